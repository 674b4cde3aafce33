"""A lease: a file that its holder keeps locked, with the holder's process id in it.

The kernel releases the lock when the holder ends. This module must not know what a lease protects.
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
        """The holder's process id; None when the file does not hold one."""

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
        """Release the lease. The file stays: if it were removed, two processes could lock two files."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def holder_of(path: Path) -> int | None:
    """Return the holder's process id; None when there is no holder, or no id in the file."""
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
            time.sleep(PAUSE_S)  # another `_is_held` shares the lock for an instant
        else:
            return
    raise LeaseTaken(_pid_in(file))


def _is_held(file: int) -> bool:
    """Whether another process holds the exclusive lock, by taking a shared one for an instant."""
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False


def _pid_in(file: int) -> int | None:
    pid = os.pread(file, PID_OCTETS, 0).strip()
    return int(pid) if pid.isdigit() else None
