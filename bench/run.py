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
from rig.options import Options, read_options
from rig.session import run_bench
from rig.table import Circumstances, render

TREE = Tree(Path(__file__).resolve().parents[1])


def main() -> int:
    """Run the bench and write its results down; return the exit code."""
    options = read_options(sys.argv[1:])
    # An end that was asked for comes as an exception, so that every program is ended on its way out.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda number, _: sys.exit(128 + number))
    try:
        results, circumstances = run_bench(TREE, options, sys.argv[1:], _say)
    except BenchFault as fault:
        print(f"bench: {fault}", file=sys.stderr)
        return 1
    write(results, circumstances, options)
    return 1 if results.failures else 0


def write(results: Results, circumstances: Circumstances, options: Options) -> None:
    """Write the page and the chart, and the samples that they were made of."""
    # A short look, or a look at some rows, is not what the project shows.
    shown = options.to or (TREE.root / "bench" if options.is_whole else TREE.work)
    kept = options.to or TREE.work
    for directory in (shown, kept):
        directory.mkdir(parents=True, exist_ok=True)
    samples = [dataclasses.asdict(sample) for sample in results.samples]
    (kept / "samples.json").write_text(json.dumps(samples, indent=1) + "\n")
    (shown / "RESULTS.md").write_text(render(results, circumstances))
    if results.baseline:
        (shown / "results.svg").write_text(render_chart(results))
    _say(f"· written: {shown / 'RESULTS.md'}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
