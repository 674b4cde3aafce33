"""Stop a process for a while."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from waiting import wait_until


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """Stop a process, so that what is sent to it comes to it all at once."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: _has_stopped(pid))
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _has_stopped(pid: int) -> bool:
    """Whether none of its threads runs any more: the signal alone does not say so."""
    states = [
        task.read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"T"}
