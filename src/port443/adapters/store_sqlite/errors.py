"""The errors of the database, each with its next step."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from port443 import storage_errors
from port443.core.errors import StoreError
from port443.storage_errors import StateFull, StateReadOnly, StateUnusable


class DatabaseDamaged(StoreError):
    """The file is not a database any more, or parts of it contradict each other.

    The disk or a program that wrote to the file has damaged it. Running sites are not affected. Restore
    the whole state directory from a backup; without one move the directory away and start again: local
    certificates are then made again, under a new root that has to be trusted again.
    """

    code = "P443-E613"
    fault = "machine"


class DatabaseNewer(StoreError):
    """The database was written by a newer port443, whose tables this one does not know.

    Use that version again, or restore the state directory as it was before the upgrade.
    """

    code = "P443-E614"
    fault = "operator"


class DatabaseBusy(StoreError):
    """Another process kept the database locked for longer than a write may take.

    A backup or a shell on the database (`sqlite3 port443.db`) holds it open in a transaction: end that.
    """

    code = "P443-E617"
    fault = "machine"
    retry = True


@contextmanager
def database_errors(path: Path) -> Iterator[None]:
    """Return the error of the store for an error of SQLite."""
    try:
        yield
    except sqlite3.Error as error:
        # The low octet of an extended result code is the primary one.
        number = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind = StateFull if number in NO_ROOM and _is_full(path) else KINDS.get(number, StateUnusable)
        raise kind(f"{path}: {error}", HINTS.get(kind, "")) from error


def _is_full(path: Path) -> bool:
    """Whether the file system is full, which SQLite reports as an I/O error where it maps memory."""
    try:
        return os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize < ROOM
    except OSError:
        return False


ROOM = 128 * 1024
"""The most bytes that a write may need: a page of the log, and the index of the log."""
NO_ROOM = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
KINDS: dict[int, type[StoreError]] = {
    sqlite3.SQLITE_FULL: StateFull,
    sqlite3.SQLITE_READONLY: StateReadOnly,
    sqlite3.SQLITE_CORRUPT: DatabaseDamaged,
    sqlite3.SQLITE_NOTADB: DatabaseDamaged,
    sqlite3.SQLITE_CONSTRAINT: DatabaseDamaged,
    sqlite3.SQLITE_BUSY: DatabaseBusy,
    sqlite3.SQLITE_LOCKED: DatabaseBusy,
}
HINTS = storage_errors.HINTS | {
    DatabaseDamaged: "restore the state directory from a backup",
    DatabaseBusy: "end the program that holds the database open",
}
