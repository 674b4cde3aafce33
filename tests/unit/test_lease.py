"""A lease has one holder, whom others can name, and ends with it."""

import fcntl
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from port443.lease import PAUSE_S, Lease, LeaseTaken, holder_of

HOLD = """
import sys
from pathlib import Path
from port443.lease import Lease
lease = Lease(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "some.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_one_holds_it_until_it_is_released(path: Path) -> None:
    assert holder_of(path) is None
    lease = Lease(path)
    assert holder_of(path) == os.getpid()
    with pytest.raises(LeaseTaken, match=str(os.getpid())):
        Lease(path)
    lease.release()
    lease.release()
    assert path.exists()
    assert holder_of(path) is None
    Lease(path).release()


@pytest.mark.slow
def test_it_ends_with_a_process_that_is_killed(path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(LeaseTaken) as taken:
        Lease(path)
    assert taken.value.holder == holder.pid == holder_of(path)
    holder.kill()
    holder.wait()
    assert holder_of(path) is None
    Lease(path).release()


def test_whoever_only_looks_does_not_keep_others_out(path: Path) -> None:
    """A command that asks who holds it, just while a serve starts, does not make that serve give up."""
    path.touch()
    with path.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        waker = threading.Timer(5 * PAUSE_S, lambda: fcntl.flock(looking, fcntl.LOCK_UN))
        waker.start()
        lease = Lease(path)
        waker.join()
    assert holder_of(path) == os.getpid()
    lease.release()


def test_a_file_that_does_not_tell_names_nobody(path: Path) -> None:
    """A holder may have just locked it, and not have written its number yet."""
    path.touch()
    with path.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)
        assert holder_of(path) is None
        with pytest.raises(LeaseTaken, match="unknown"):
            Lease(path)


def test_what_cannot_be_written_leaves_nothing_open(path: Path) -> None:
    bounds = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, bounds[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            Lease(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, bounds)
    with pytest.raises(NotADirectoryError):
        Lease(Path("/dev/null/some.lock"))
    Lease(path).release()
