"""The storage backend of one machine: an SQLite file."""

from port443.adapters.store_sqlite.backend import SQLiteBackend

__all__ = ["SQLiteBackend"]
