"""The long checks: fuzz every target for a while; write what came of it into docs/prove.md."""

import argparse
import datetime as dt
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
REPORT = TOP / "docs" / "prove.md"
CARGO_FUZZ = "0.13.1"
LIBFUZZER = ("-max_len=16384", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1")
HEAD = """# The long checks

`make prove` wrote this on {day} with {rustc}, on {machine}. It takes a while, so it is not part of
`make test`; the last result stands here.

## Fuzzing
Each target ran for {seconds} s (libFuzzer, without a sanitizer: the crates forbid `unsafe`).

| target | inputs tried | coverage | result |
|---|---|---|---|
"""


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
    seconds = parser.parse_args().fuzz_seconds
    install_cargo_fuzz()
    results = [fuzz(crate, target, seconds) for crate, target in targets()]
    write_report(results, seconds)
    return int(any(result.verdict != "nothing found" for result in results))


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


def write_report(results: list[Fuzzed], seconds: int) -> None:
    """Put the table where readers look for it."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    day = dt.datetime.now(dt.UTC).date()  # noqa: TID251 - a script reads the clock itself
    head = HEAD.format(
        day=day, rustc=rustc, machine=f"{os.cpu_count()} cores, {platform.machine()}", seconds=seconds
    )
    rows = [f"| {r.target} | {r.runs:,} | {r.coverage} edges | {r.verdict} |\n" for r in results]
    REPORT.write_text(head + "".join(rows))


if __name__ == "__main__":
    sys.exit(main())
