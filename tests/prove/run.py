"""The long checks: slow clients, a soak, fuzzing, scans beside those of others, the tests again and again.

What came of each part is written into docs/prove.md; a part that did not run keeps its last result.
"""

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from prove.agreement import TITLE as AGREEMENT
from prove.agreement import check_agreement
from prove.fuzz_seeds import main as plant_seeds
from prove.oracle import TITLE as ORACLE
from prove.oracle import check_oracle
from prove.slow import TITLE as SLOW
from prove.slow import check_slow_clients
from prove.soak import TITLE as SOAK
from prove.soak import check_soak
from prove.stable import MARKED_RUNS, WHOLE_RUNS, check_stability
from prove.stable import TITLE as STABLE

TOP = Path(__file__).parents[2]
REPORT = TOP / "docs" / "prove.md"
CARGO_FUZZ = "0.13.1"
LIBFUZZER = ("-max_len=16384", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1")
HEAD = """# The long checks

`make prove` writes this. It takes a while, so it is not part of `make test`; the last result of each
part stands here.
"""
FUZZING = "Fuzzing"
FUZZ_HEAD = """Each target ran for {seconds} s, as many at once as there are cores (libFuzzer, without a
sanitizer: the crates forbid `unsafe`).

| target | inputs tried | coverage | result |
|---|---|---|---|
"""
WRITTEN = "On {day}, with {rustc}, on {machine}.\n\n"


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What one target's run came to."""

    target: str
    runs: int
    coverage: int
    verdict: str


def main() -> int:
    """Run the long checks; 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz-seconds", type=int, default=600, help="for each target")
    parser.add_argument("--soak-seconds", type=float, default=600, help="of mixed load")
    parser.add_argument(
        "--only", choices=("agreement", "fuzz", "oracle", "slow", "soak", "stable"), help="one part alone"
    )
    parser.add_argument("--marked-runs", type=int, default=MARKED_RUNS, help="of the tests marked `machine`")
    parser.add_argument("--whole-runs", type=int, default=WHOLE_RUNS, help="of the whole suite")
    asked = parser.parse_args()
    parts = {
        "agreement": (AGREEMENT, check_agreement),
        "oracle": (ORACLE, check_oracle),
        "slow": (SLOW, check_slow_clients),
        "stable": (STABLE, lambda: check_stability(asked.marked_runs, asked.whole_runs)),
        "soak": (SOAK, lambda: check_soak(asked.soak_seconds)),
        "fuzz": (FUZZING, lambda: check_fuzzing(asked.fuzz_seconds)),
    }
    is_good = True
    for name, (title, check) in parts.items():
        if asked.only in {None, name}:
            text, is_part_good = check()
            if text:
                write_part(title, text)
            is_good = is_good and is_part_good
    return int(not is_good)


def check_fuzzing(seconds: int) -> tuple[str, bool]:
    """Fuzz every target; return the report's text and whether nothing was found."""
    install_cargo_fuzz()
    plant_seeds()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda place: fuzz(place[0], place[1], seconds), targets()))
    rows = [f"| {r.target} | {r.runs:,} | {r.coverage} edges | {r.verdict} |\n" for r in results]
    is_clean = all(result.verdict == "nothing found" for result in results)
    return FUZZ_HEAD.format(seconds=seconds) + "".join(rows), is_clean


def install_cargo_fuzz() -> None:
    """Get cargo-fuzz where it is missing."""
    if not shutil.which("cargo-fuzz"):
        subprocess.run(["cargo", "install", "--locked", "--quiet", f"cargo-fuzz@{CARGO_FUZZ}"], check=True)


def targets() -> Iterator[tuple[Path, str]]:
    """Name every fuzz target with the crate that it stands beside."""
    for manifest in sorted((TOP / "edge" / "crates").glob("*/fuzz/Cargo.toml")):
        for target in sorted((manifest.parent / "fuzz_targets").glob("*.rs")):
            yield manifest.parents[1], target.stem


def fuzz(crate: Path, target: str, seconds: int) -> Fuzzed:
    """Run one target on the stable compiler."""
    name = f"{crate.name}/{target}"
    sys.stderr.write(f"· fuzzing {name} for {seconds} s\n")
    done = subprocess.run(
        ["cargo", "fuzz", "run", "--sanitizer", "none", target, "--",
         f"-max_total_time={seconds}", *LIBFUZZER],
        cwd=crate, env={**os.environ, "RUSTC_BOOTSTRAP": "1"}, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
    coverage = re.findall(r"cov: (\d+)", done.stderr)
    if done.returncode:
        sys.stderr.write(done.stderr[-4000:])
    verdict = "nothing found" if done.returncode == 0 else f"ended with {done.returncode}"
    return Fuzzed(name, int(runs[1]) if runs else 0, int(coverage[-1]) if coverage else 0, verdict)


def write_part(title: str, text: str) -> None:
    """Put one part's result where readers look for it, in the place of its last one."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    day = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a script reads the clock itself
    written = WRITTEN.format(day=day, rustc=rustc, machine=f"{os.cpu_count()} cores, {platform.machine()}")
    before = REPORT.read_text() if REPORT.exists() else ""
    parts = dict(part.split("\n", 1) for part in before.split("\n## ")[1:])
    parts[title] = written + text
    REPORT.write_text(HEAD + "".join(f"\n## {one}\n{parts[one].rstrip()}\n" for one in sorted(parts)))


if __name__ == "__main__":
    sys.exit(main())
