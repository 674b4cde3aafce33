"""A bench with the real store in a directory of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from port443.adapters.kek_file import FileKeyWrapper
from port443.adapters.store_sqlite import SQLiteStore, StateDirectory
from serve_bench import ServeBench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ServeBench]:
    state = StateDirectory.prepare(tmp_path / "state")
    wrapper = FileKeyWrapper.open(state.key_encryption_key, may_create=True)
    store = SQLiteStore(state.database, wrapper)
    yield ServeBench(store, state)
    store.close()
