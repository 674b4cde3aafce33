"""What the tests on real programs share."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from port443.adapters.sample_backend import SampleBackend
from port443.core.errors import EdgeError
from port443.edge.locate import locate_program
from port443.settings.environment import Environment
from serving import Serving


@contextlib.contextmanager
def short_place() -> Iterator[Path]:
    """Make a directory whose path is short enough for sockets in it, in memory where there is one."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it private
    with tempfile.TemporaryDirectory(prefix="p443-", dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@contextlib.contextmanager
def not_yet_serving(directory: Path, backend: SampleBackend) -> Iterator[Serving]:
    """Give a `port443 serve` that is not started yet, with settings for one site."""
    try:
        locate_program(Environment.read().edge)
    except EdgeError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    place = Serving(directory, backend_url=backend.url)
    place.write({"app.localhost": backend.url})
    try:
        yield place
    finally:
        place.end()


@pytest.fixture
def short_directory() -> Iterator[Path]:
    with short_place() as path:
        yield path


@pytest.fixture
def backend() -> Iterator[SampleBackend]:
    """Run a small web server on loopback."""
    with contextlib.closing(SampleBackend("a test's server", 0)) as server:
        yield server


@pytest.fixture
def serving(short_directory: Path, backend: SampleBackend) -> Iterator[Serving]:
    with not_yet_serving(short_directory, backend) as place:
        yield place


@pytest.fixture(scope="module")
def shared() -> Iterator[Serving]:
    """Give a `port443 serve` that runs, for the tests of a module that change nothing of it."""
    with (
        short_place() as directory,
        contextlib.closing(SampleBackend("a test's server", 0)) as backend,
        not_yet_serving(directory, backend) as place,
    ):
        yield place.started()
