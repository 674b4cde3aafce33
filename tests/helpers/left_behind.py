"""What a test leaves behind is told with that test's name, and is gone before the next one.

After each test its garbage is collected; then threads, descriptors and processes that it began must have
ended. What has not is an error of a test that passed, and stands in the report of a test that failed.
Where tests share a fixture, as a server that gets connections, that holds for all of their module.

A plugin of pytest, see `conftest.py`.
"""

import contextlib
import gc
import os
import signal
import sys
import threading
import uuid
import warnings
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from waiting import wait_until

DEADLINE_S = 10.0
TOKEN = uuid.uuid4().hex
"""In the environment of every process that a test begins, and of those that these begin."""
BEGINNINGS = {"subprocess.Popen", "os.posix_spawn", "os.fork", "os.forkpty", "os.system", "os.spawn"}
HAS_FAILED = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Traces:
    """What this process and its descendants hold at one moment."""

    threads: frozenset[threading.Thread] = frozenset()
    descriptors: frozenset[tuple[str, str]] = frozenset()
    processes: frozenset[int] = frozenset()

    def __sub__(self, other: "Traces") -> "Traces":
        return Traces(
            self.threads - other.threads,
            self.descriptors - other.descriptors,
            self.processes - other.processes,
        )

    def __bool__(self) -> bool:
        return bool(self.threads or self.descriptors or self.processes)

    def lines(self) -> list[str]:
        """Name each."""
        processes = [
            f"process {pid}: {_arguments_of(pid) or 'has ended, and nobody waited for it'}"
            for pid in sorted(self.processes)
        ]
        descriptors = [f"descriptor {number}: {what}" for number, what in sorted(self.descriptors)]
        return [*processes, *descriptors, *(f"thread {thread.name}" for thread in self.threads)]


class Watch:
    """What is known to be there, and whose module is running."""

    def __init__(self) -> None:
        self.may_have_begun = False
        """Whether there may be processes to look for: to look through all of them takes its time."""
        self.module = ""
        self.is_shared = False
        """Whether tests of the module share a fixture of their own."""
        self.before_module = self.known = Traces()

    def hears(self, event: str, _: object) -> None:
        """Hear from the interpreter what happens, and note when a process begins."""
        if event in BEGINNINGS:
            self.may_have_begun = True

    def look(self) -> Traces:
        threads = frozenset(threading.enumerate())
        return Traces(threads, frozenset(_descriptors()), frozenset(self._processes()))

    def _processes(self) -> set[int]:
        if not self.may_have_begun:
            return set()
        self.may_have_begun = False
        found = _children() | _marked()
        self.may_have_begun |= bool(found)
        return found

    def begin(self, module: str) -> None:
        """Take what is there as known."""
        self.known = self.look()
        if module != self.module:
            self.module, self.before_module, self.is_shared = module, self.known, False

    def remains(self, *, module_ends: bool) -> Traces:
        """Return what has not ended in good time."""
        if self.is_shared and not module_ends:
            return Traces()
        known = self.before_module if module_ends else self.known
        with contextlib.suppress(AssertionError):
            wait_until(lambda: not self.look() - known, DEADLINE_S)
        remains = self.look() - known
        if remains:
            self.before_module = self.look()  # each is told once
        return remains


WATCH = Watch()
os.environ["LEFT_BEHIND"] = TOKEN
sys.addaudithook(WATCH.hears)


def pytest_collection_finish() -> None:
    """Have later collections of garbage pass over all that is there already: they are many."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    WATCH.begin(item.nodeid.partition("::")[0])
    yield


def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> None:
    # Those of pytest itself have no base.
    WATCH.is_shared |= fixturedef.scope != "function" and bool(fixturedef.baseid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[HAS_FAILED] = report.failed or item.stash.get(HAS_FAILED, False)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    try:
        yield
    except BaseException:
        item.stash[HAS_FAILED] = True
        raise
    finally:
        left = left_behind(module_ends=not nextitem or nextitem.nodeid.partition("::")[0] != WATCH.module)
        if left:
            item.add_report_section("teardown", "remains", "\n".join(left))
    if left and not item.stash.get(HAS_FAILED, False):
        pytest.fail("the test leaves behind:\n" + "\n".join(left), pytrace=False)


def left_behind(*, module_ends: bool) -> list[str]:
    """Collect the garbage, end what has not ended, and name all of it."""
    # The frames of a test that failed hold what it had opened.
    sys.last_type = sys.last_value = sys.last_traceback = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    remains = WATCH.remains(module_ends=module_ends)
    lines = [*(f"{one.category.__name__}: {one.message}" for one in told), *remains.lines()]
    for pid in remains.processes:
        _end(pid)
    return lines


def _descriptors() -> list[tuple[str, str]]:
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append((entry.name, str(entry.readlink())))
    # The last one was the way to read this.
    return [one for one in found if one[1] != f"/proc/{os.getpid()}/fd"]


def _children() -> set[int]:
    """Return the ids of our own children, those that wait to be reaped included."""
    found = set[int]()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found |= set(map(int, (task / "children").read_text().split()))
    return found


def _marked() -> set[int]:
    """Return the ids of all whose first ancestor among the tests' processes is ours."""
    found = set[int]()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if b"LEFT_BEHIND=" + TOKEN.encode() in entry.read_bytes():
                found.add(int(entry.parent.name))
    return found


def _arguments_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ").strip()
    return ""


def _end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    with contextlib.suppress(AssertionError):
        # It may wait for a parent of its own to reap it: then it has no arguments any more.
        wait_until(lambda: not _arguments_of(pid), DEADLINE_S)
