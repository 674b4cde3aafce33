"""A bench with the real store in a directory of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from port443.adapters.state_directory import StateDirectory
from port443.wiring import opened_store
from serve_bench import ServeBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ServeBench]:
    state = StateDirectory.prepare(tmp_path / "state")
    with opened_store(state) as store:
        yield ServeBench(store, state)
