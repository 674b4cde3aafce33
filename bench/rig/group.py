"""One program with all its processes: started on one processor, watched, measured and ended by id."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rig.errors import BenchFault
from rig.proc import Stat, Ticks, parse_busy_ticks, parse_smaps, parse_stat, resident_kib

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAUSE_S = 0.01
START_S = 20.0
END_S = 10.0
TAIL_LINES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a program runs."""

    cpu: int
    is_shared: bool = False
    """Whether programs share it that take turns: one that is woken does not interrupt the other (sched(7),
    SCHED_BATCH), for the proxy that wakes it would pay for the interrupt."""


@contextlib.contextmanager
def pinned(place: Place) -> Iterator[None]:
    """Run there, and start children there."""
    affinity, policy = os.sched_getaffinity(0), os.sched_getscheduler(0)
    os.sched_setaffinity(0, {place.cpu})
    if place.is_shared:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, os.sched_param(0))
        os.sched_setaffinity(0, affinity)


def wait_until(condition: Callable[[], bool], within_s: float) -> bool:
    """Whether the condition has come true in time."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(PAUSE_S)
    return True


class Group:
    """A program in a session of its own, by which its processes are known."""

    def __init__(self, command: Sequence[str | Path], place: Place, log: Path, **environment: str) -> None:
        self.name = Path(command[0]).name
        self.log = log
        with pinned(place), log.open("ab") as output:
            self.process = subprocess.Popen(
                [*_with_us(), *(os.fspath(word) for word in command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_plain_environment(environment),
                start_new_session=True,
            )

    def wait_listening(self, port: int) -> None:
        """Return when the port answers; refuse a program that ends or takes too long."""

        def answers() -> bool:
            if self.process.poll() is not None:
                raise BenchFault(f"{self.name} ended at once: {self.last_words()}")
            return _answers(port)

        if not wait_until(answers, START_S):
            raise BenchFault(f"{self.name} does not listen: {self.last_words()}")

    def ticks(self) -> Ticks:
        """The processor time of all processes so far."""
        return sum((stat.ticks for _, stat in self._stats()), Ticks())

    def resident_kib(self) -> int:
        """The memory of all processes together."""
        return resident_kib([parse_smaps(_read(f"/proc/{pid}/smaps")) for pid in self.pids()])

    def pids(self) -> list[int]:
        """Its processes that have not ended."""
        return [pid for pid, stat in self._stats() if not stat.has_ended]

    def last_words(self) -> str:
        """The end of what it wrote."""
        lines = self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:]
        return " · ".join(line.strip() for line in lines if line.strip()) or "it said nothing"

    def end(self) -> None:
        """Ask it to end, then end whatever is left of it."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_S)
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(END_S)
        wait_until(lambda: not self.pids(), END_S)

    def _stats(self) -> list[tuple[int, Stat]]:
        every = (
            (int(entry.name), _stat(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()
        )
        return [(pid, stat) for pid, stat in every if stat and stat.session == self.process.pid]


def busy_ticks(cpu: int) -> int:
    """For how long a processor has done anything but wait."""
    return parse_busy_ticks(_read("/proc/stat"), cpu)


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _plain_environment(more: Mapping[str, str]) -> dict[str, str]:
    # What a developer has set (SSLKEYLOGFILE, GODEBUG, MALLOC_*) must not change what is measured.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, **more}


def _with_us() -> list[str]:
    """Return the words that have a program end when the bench is killed and cannot end it (setpriv(1))."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM", "--"] if found else []


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _stat(pid: str) -> Stat | None:
    text = _read(f"/proc/{pid}/stat")
    return parse_stat(text) if text else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # the process has ended since it was listed
