"""A lease: a file that its holder keeps locked, with the holder's process id in it.

The kernel ends it with its holder, however that ends. It must not know what it is the lease of.
"""

import fcntl
import os
import time
from pathlib import Path

FILE_MODE = 0o600
PID_OCTETS = 32
TRIES, PAUSE_S = 100, 0.001
"""How often, and how far apart, the lock is tried while others only look who holds it."""


class LeaseTaken(Exception):
    """Another holds the lease."""

    def __init__(self, holder: int | None) -> None:
        super().__init__(holder)
        self.holder = holder
        """Its process id; None when the file does not tell."""

    def __str__(self) -> str:
        return "unknown" if self.holder is None else str(self.holder)


class Lease:
    """Held from its making until `release`, or until the process ends."""

    def __init__(self, path: Path) -> None:
        """Take the lease; raises `LeaseTaken`, or OSError when the file cannot be made or written."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        try:
            _lock(self._file)
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(self._file)
            raise

    def release(self) -> None:
        """Let the next one have it. The file stays: without it two could hold locks on two files."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder_of(path: Path) -> int | None:
    """Return the process id of whoever holds the lease; None when nobody does, or the file does not tell."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _pid_in(file) if _is_held(file) else None
    finally:
        os.close(file)


def _lock(file: int) -> None:
    """Lock the file for us alone; raises `LeaseTaken` when another has it so."""
    for _ in range(TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _is_held(file):
                break
            time.sleep(PAUSE_S)  # somebody looked, as we just did: that is over at once
        else:
            return
    raise LeaseTaken(_pid_in(file))


def _is_held(file: int) -> bool:
    """Whether another has the file for itself. To look is to share the lock, for a moment."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _pid_in(file: int) -> int | None:
    pid = os.pread(file, PID_OCTETS, 0).strip()
    return int(pid) if pid.isdigit() else None
