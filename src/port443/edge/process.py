"""The edge's process: started in its own session, watched and ended by its pidfd, never left a zombie."""

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from port443.edge.errors import EdgeDidNotStart

LOG_BYTES = 1024 * 1024
TAIL_BYTES = 4096
KILL_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Spawn:
    """The arguments of an edge's start."""

    program: Path
    runtime: Path
    workers: int
    log: Path

    def start(self) -> "EdgeProcess":
        """Start the program.

        It gets its own session, so that neither Ctrl-C nor the end of this process ends it, and
        writes to a file, so that it never blocks on a pipe without a reader.
        """
        arguments = [os.fspath(self.program), "--runtime", os.fspath(self.runtime)]
        arguments += ["--workers", str(self.workers)]
        try:
            pid = os.posix_spawn(
                self.program,
                arguments,
                os.environ,
                file_actions=_descriptors(self.log),
                setsid=True,
                setsigmask=[],
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],  # Python ignores both, and children inherit that
            )
        except OSError as error:
            raise EdgeDidNotStart(f"cannot start {self.program}: {error.strerror}") from error
        return EdgeProcess(pid, is_child=True)


def _descriptors(log: Path) -> Sequence[tuple[int, int, str, int, int]]:
    # Appending, so that the file can be cut short while it is written to.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.fspath(log), flags, 0o600),
    ]


def trim_log(log: Path) -> None:
    """Empty a log that has grown beyond its bound; the events are the complete record."""
    try:
        if log.stat().st_size > LOG_BYTES:
            os.truncate(log, 0)
    except OSError:
        return


def last_words(log: Path) -> str:
    """Return the last line that the edge wrote, or nothing."""
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, opened.seek(0, os.SEEK_END) - TAIL_BYTES))
            lines = opened.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class EdgeProcess:
    """One running edge, held by a pidfd, so that a reused process id is never mistaken for it."""

    def __init__(self, pid: int, *, is_child: bool = False) -> None:
        self.pid, self.is_child = pid, is_child
        self._descriptor: int | None
        try:
            self._descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            self._descriptor = None  # it has ended already

    async def wait_ended(self, within_s: float) -> bool:
        """Wait for its end, and reap it when it is a child; false when it is still running."""
        if self._descriptor is not None and not await _wait_readable(self._descriptor, within_s):
            return False
        self.release()
        _reap(self.pid)
        return True

    async def end(self, within_s: float) -> None:
        """Send SIGTERM, and SIGKILL when it has not ended by the deadline."""
        for signal_, timeout_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, KILL_TIMEOUT_S)):
            self._send(signal_)
            if await self.wait_ended(timeout_s):
                return

    def kill(self) -> None:
        """Kill it and see it end; that takes no time worth mentioning."""
        self._send(signal.SIGKILL)
        if self._descriptor is not None and self.is_child:
            os.waitid(os.P_PIDFD, self._descriptor, os.WEXITED)
        self.release()

    def release(self) -> None:
        """Close the descriptor, whether the process runs or not."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _send(self, signal_: signal.Signals) -> None:
        if self._descriptor is None:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, signal_)


def _reap(pid: int) -> None:
    # An adopted edge is the child of another process, which reaps it.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


async def _wait_readable(descriptor: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    if poll.poll(0):
        return True
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(within_s):
            await ended.wait()
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
    return True
