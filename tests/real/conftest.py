"""What the tests on real programs share."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from port443.adapters.sample_backend import SampleBackend
from port443.core.errors import EdgeError
from port443.edge.locate import locate_program
from port443.settings.environment import Environment
from serving import Serving


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Give a directory whose path is short enough for sockets in it, in memory where there is one."""
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it private
    with tempfile.TemporaryDirectory(prefix="p443-", dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@pytest.fixture
def backend() -> Iterator[SampleBackend]:
    """Run a small web server on loopback."""
    server = SampleBackend("a test's server", 0)
    yield server
    server.close()


@pytest.fixture
def serving(short_directory: Path, backend: SampleBackend) -> Iterator[Serving]:
    """Give a `port443 serve` that is not started yet, with settings for one site."""
    try:
        locate_program(Environment.read().edge)
    except EdgeError as error:
        pytest.skip(f"{error.message}; {error.hint}")
    place = Serving(short_directory, backend_url=backend.url)
    place.write({"app.localhost": backend.url})
    yield place
    place.end()
