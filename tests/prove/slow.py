"""So many slow clients that nothing else can run beside them, and what the edge holds for them."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

TITLE = "Slow clients"
CLIENTS = 2000
TEST = "tests/real/test_slow_readers.py"
HEAD = f"""{CLIENTS:,} clients at once that take, or bring, a byte at a time of something long, or whose
server takes nothing. The whole edge, with one worker, must stay below 64 MiB.

| what they do | most that the edge held |
|---|---|
"""


def check_slow_clients() -> tuple[str, bool]:
    """Run the test with all clients; return the report's text and whether the bound was kept."""
    with tempfile.TemporaryDirectory() as directory:
        figures = Path(directory) / "figures"
        figures.touch()
        environment = {**os.environ, "SLOW_CLIENTS": str(CLIENTS), "SLOW_FIGURES": str(figures)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", TEST],
            cwd=Path(__file__).parents[2],
            env=environment,
            check=False,
        )
        most: dict[str, float] = {}
        for line in figures.read_text().splitlines():
            what, _, mebibytes = line.rpartition("\t")
            most[what] = max(most.get(what, 0.0), float(mebibytes))
    rows = "".join(f"| {what} | {mebibytes:.1f} MiB |\n" for what, mebibytes in most.items())
    is_good = done.returncode == 0
    verdict = "All kept the bound." if is_good else "**Not all kept the bound.**"
    return f"{HEAD}{rows}\n{verdict}\n", is_good
