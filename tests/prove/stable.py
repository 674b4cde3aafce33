"""The same tests again and again, half of the runs beside something else that wants every processor.

What a test of memory, pace or processes depends on, it brings about itself: then it passes each time.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

TITLE = "Stability of the tests"
TOP = Path(__file__).parents[2]
MARKED_RUNS, WHOLE_RUNS = 20, 3
PROCESSES = 3
"""Of pytest: tests of time mostly wait, and one that is held up by its neighbours is to hold too."""
BUSY_WORK = "while True: pass"
HEAD = """The tests of memory, pace and processes (`-m machine`) ran {marked} times, and the whole suite
{whole} times; every other run with all cores kept busy by something else.

| tests | load | runs | passed each time | seconds for a run |
|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run, and what came of it."""

    what: str
    number: int
    seconds: float
    tests: int
    failed: tuple[str, ...]
    is_loaded: bool

    @property
    def name(self) -> str:
        return f"{self.what}, run {self.number}{', under load' if self.is_loaded else ''}"


def check_stability(marked: int = MARKED_RUNS, whole: int = WHOLE_RUNS) -> tuple[str, bool]:
    """Run all; return the report's text and whether nothing ever failed."""
    runs = list(_runs(marked, whole))
    is_good = not any(run.failed for run in runs)
    return report(runs, marked, whole), is_good


def _runs(marked: int, whole: int) -> Iterator[Run]:
    for what, count, chosen in (("marked", marked, ("-m", "machine", *marked_files())), ("all", whole, ())):
        for number in range(1, count + 1):
            # Of three the first and the last.
            yield one_run(what, number, chosen, is_loaded=number % 2 == 1)


def marked_files() -> list[str]:
    """Name the files that have such tests: to look for them in all files takes as long as some of them."""
    files = (TOP / "tests").rglob("test_*.py")
    return sorted(str(path) for path in files if "mark.machine" in path.read_text())


def one_run(what: str, number: int, chosen: Sequence[str], *, is_loaded: bool) -> Run:
    """Run these tests once, and say at once what came of it."""
    with tempfile.TemporaryDirectory() as directory, busy_cores() if is_loaded else contextlib.nullcontext():
        results = Path(directory) / "results.xml"
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "-q", "-n", str(PROCESSES), "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *chosen, f"--junitxml={results}"], cwd=TOP, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - began
        tests, failed = read_results(results)
    if done.returncode and not failed:
        failed = (f"pytest ended with {done.returncode}",)
    run = Run(what, number, seconds, tests, failed, is_loaded)
    sys.stderr.write(f"· {run.name}: {tests} tests in {seconds:.0f} s, {len(failed)} failed\n")
    if failed:
        sys.stderr.write("".join(f"  {name}\n" for name in failed) + done.stdout[-6000:])
    return run


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy, and end that whatever happens."""
    with contextlib.ExitStack() as held:
        for _ in range(os.cpu_count() or 1):
            process = subprocess.Popen([sys.executable, "-c", BUSY_WORK], stdin=subprocess.DEVNULL)
            held.callback(process.wait)
            held.callback(process.kill)
        yield


def read_results(path: Path) -> tuple[int, tuple[str, ...]]:
    """Read how many tests there were, and which of them failed."""
    if not path.exists():
        return 0, ()
    cases = list(ET.parse(path).getroot().iter("testcase"))  # noqa: S314 - pytest has just written it
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    names = {f"{case.get('classname', '').replace('.', '/')}::{case.get('name')}" for case in failed}
    return len(cases), tuple(sorted(names))


def report(runs: Sequence[Run], marked: int, whole: int) -> str:
    """Write what came of all."""
    rows = "".join(
        _row(group)
        for what in ("marked", "all")
        for is_loaded in (False, True)
        if (group := [run for run in runs if (run.what, run.is_loaded) == (what, is_loaded)])
    )
    faults = "".join(f"- {run.name}: `{name}`\n" for run in runs for name in run.failed)
    verdict = faults or "Nothing failed.\n"
    return f"{HEAD.format(marked=marked, whole=whole)}{rows}\n{verdict}"


def _row(group: Sequence[Run]) -> str:
    times = [run.seconds for run in group]
    load = "busy" if group[0].is_loaded else "none"
    good = sum(not run.failed for run in group)
    verdict = "yes" if good == len(group) else f"**no**, {good} of {len(group)}"
    span = f"{min(times):.0f} to {max(times):.0f}" if len(times) > 1 else f"{times[0]:.0f}"
    return f"| {group[0].what}, {group[0].tests} | {load} | {len(group)} | {verdict} | {span} |\n"
