"""The store of one machine: an SQLite file in the state directory."""

from port443.adapters.store_sqlite.directory import StateDirectory, StateLock
from port443.adapters.store_sqlite.public import public_directory, published
from port443.adapters.store_sqlite.store import SQLiteStore

__all__ = ["SQLiteStore", "StateDirectory", "StateLock", "public_directory", "published"]
