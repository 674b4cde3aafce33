"""The storage backend of one machine: an SQLite file in the state directory."""

from port443.adapters.store_sqlite.backend import SQLiteBackend
from port443.adapters.store_sqlite.directory import StateDirectory
from port443.adapters.store_sqlite.public import public_directory, published

__all__ = ["SQLiteBackend", "StateDirectory", "public_directory", "published"]
