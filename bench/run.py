"""Measure port443 beside its peers: `make bench`, or shorter: `make bench BENCH_ARGS=--quick`."""

import dataclasses
import json
import signal
import sys
from pathlib import Path

from rig.chart import render_chart
from rig.errors import BenchFault
from rig.figures import Results
from rig.finding import Tree
from rig.options import read_options
from rig.session import run_bench
from rig.table import Circumstances, render

TREE = Tree(Path(__file__).resolve().parents[1])


def main() -> int:
    """Run the bench and write its results down; return the exit code."""
    options = read_options(sys.argv[1:])
    # An end that was asked for comes as an exception, so that every program is ended on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        results, circumstances = run_bench(TREE, options, sys.argv[1:], _say)
    except BenchFault as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    # A short look, or a look at some rows, is not what the project shows.
    write(results, circumstances, TREE.root / "bench" if options.is_whole else TREE.work)
    return 1 if results.failures else 0


def write(results: Results, circumstances: Circumstances, directory: Path) -> None:
    """Write the page and the chart, and every sample beside them where nothing is kept."""
    TREE.work.mkdir(parents=True, exist_ok=True)
    samples = [dataclasses.asdict(sample) for sample in results.samples]
    (TREE.work / "samples.json").write_text(json.dumps(samples, indent=1) + "\n")
    (directory / "RESULTS.md").write_text(render(results, circumstances))
    if results.baseline:
        (directory / "results.svg").write_text(render_chart(results))
    _say(f"· written: {directory / 'RESULTS.md'}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
