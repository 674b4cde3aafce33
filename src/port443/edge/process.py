"""The edge's process: started in a session of its own, watched and ended by its id, never left a zombie."""

import asyncio
import os
import select
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from port443.edge.errors import EdgeDidNotStart

LOG_BYTES = 1024 * 1024
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Spawn:
    """What the edge is started with."""

    program: Path
    runtime: Path
    workers: int
    log: Path

    def start(self) -> int:
        """Start the program and return its process id.

        It gets a session of its own, so that neither Ctrl-C nor the end of this process ends it, and
        writes to a file, so that it never waits for a reader that is gone.
        """
        arguments = [os.fspath(self.program), "--runtime", os.fspath(self.runtime)]
        arguments += ["--workers", str(self.workers)]
        try:
            return os.posix_spawn(
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


def _descriptors(log: Path) -> Sequence[tuple[int, int, str, int, int]]:
    # Appending, so that the file can be cut short while it is written to.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.fspath(log), flags, 0o600),
    ]


def trim_log(log: Path) -> None:
    """Empty a log that has grown beyond its bound: whoever wants it all reads the events."""
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


async def wait_ended(pid: int, within_s: float) -> bool:
    """Wait until the process has ended, and take its exit status when it is a child; false when it goes on."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        if not await _readable(watched, within_s):
            return False
    finally:
        os.close(watched)
    _reap(pid)
    return True


async def _readable(descriptor: int, within_s: float) -> bool:
    if select.select([descriptor], [], [], 0)[0]:
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


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return  # an adopted edge is the child of somebody else, who reaps it


async def end(pid: int, within_s: float) -> None:
    """Ask the process to end, and kill it when it has not by the deadline."""
    for signal_, patience_s in ((signal.SIGTERM, within_s), (signal.SIGKILL, 5.0)):
        try:
            os.kill(pid, signal_)
        except ProcessLookupError:
            pass
        if await wait_ended(pid, patience_s):
            return
