"""The bench as a whole, on what little time a test has: its figures mean nothing, its proofs do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
BUILT = {
    "the edge (make setup)": TOP / "edge/target/release/port443-edge",
    "the load (make bench)": TOP / "bench/load/target/release/port443-load",
    "Debian's nginx": Path("/usr/sbin/nginx"),
}


@pytest.mark.slow
def test_a_quick_run_measures_the_edge_beside_the_floor(tmp_path: Path) -> None:
    """Kept, full, resumed and idle connections are measured and proven; nothing is written into the tree."""
    if missing := [name for name, path in BUILT.items() if not path.is_file()]:
        pytest.skip(f"not built or installed: {', '.join(missing)}")
    if len(cpus := sorted(os.sched_getaffinity(0))) < 2 or not shutil.which("cargo"):
        pytest.skip("the bench needs two processors and cargo")
    options = f"--quick --seconds 0.2 --peers edge --rows http1,full,resumed,idle --cpus {cpus[0]},{cpus[1]}"
    command = [sys.executable, str(TOP / "bench/run.py"), *options.split(), "--to", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    samples = json.loads((tmp_path / "samples.json").read_text())
    assert len(samples) == 4 * 2
    assert all(sample["units"] > 0 for sample in samples)
    assert "| HTTP/1.1 keep-alive" in (tmp_path / "RESULTS.md").read_text()
