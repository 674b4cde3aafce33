"""What can be wrong with the state directory and its database, each with its next step."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path

from port443.core.errors import StoreError


class StateInUse(StoreError):
    """Another `port443 serve` works in this state directory.

    Two of them would renew the same certificates and climb the same HSTS ladder against each other. Stop
    the other one (`port443 stop`), or give this one a directory of its own with `--state DIR`.
    """

    code = "P443-E610"
    fault = "operator"
    exit_code = 5


class StateExposed(StoreError):
    """The state directory or a file in it can be read or changed by other users of this machine.

    It holds private keys. Look who had access, then take it from them with the command in the hint.
    """

    code = "P443-E611"
    fault = "operator"


class StateForeign(StoreError):
    """The state directory belongs to another user of this machine, and holds what only they may use.

    Run port443 as that user, or name a directory of your own with `--state DIR`. The local CA's roots are for
    everybody: `port443 trust path` prints the copies beside the state directory, which serve writes.
    """

    code = "P443-E622"
    fault = "operator"


class StateUnusable(StoreError):
    """The state directory or its database cannot be opened, made, read or written.

    The message names the path and what the system said. Check that it is a directory on a local disk,
    that it belongs to the user who runs port443, and that nothing else stands in its place.
    """

    code = "P443-E612"
    fault = "machine"


class DatabaseDamaged(StoreError):
    """The database is no database any more, or parts of it contradict each other.

    The disk or something that wrote to the file has damaged it. Running sites go on. Bring back a copy of
    the whole state directory from a backup; without one move the directory away and start anew: local
    certificates are then made again, under a new root that has to be trusted again.
    """

    code = "P443-E613"
    fault = "machine"


class DatabaseNewer(StoreError):
    """The database was written by a newer port443, whose tables this one does not know.

    Use that version again, or bring back the state directory as it was before the upgrade.
    """

    code = "P443-E614"
    fault = "operator"


class StateReadOnly(StoreError):
    """The state directory lies on a file system, or the database in a file, that cannot be written.

    Mount it writable, or name another directory with `--state DIR`.
    """

    code = "P443-E615"
    fault = "machine"


class StateFull(StoreError):
    """There is no room on the disk (or in the quota) for the state directory.

    What was stored is whole; nothing new could be added. Make room. A `port443 serve` that runs goes on by
    itself; one that could not start has to be started again.
    """

    code = "P443-E616"
    fault = "machine"
    retry = True


class DatabaseBusy(StoreError):
    """Another process kept the database locked for longer than a write may take.

    A backup or a shell on the database (`sqlite3 port443.db`) holds it open in a transaction: end that.
    """

    code = "P443-E617"
    fault = "machine"
    retry = True


class StateAbsent(StoreError):
    """There is nothing in this state directory yet, or it is not the one that was meant.

    It is made when `port443 serve` first runs. Name the directory that serve uses with `--state DIR`.
    """

    code = "P443-E618"
    fault = "operator"


@contextmanager
def told_of_files(path: Path) -> Iterator[None]:
    """Turn what the system says about `path` into an error of the store."""
    try:
        yield
    except OSError as error:
        where, why = error.filename or path, error.strerror or str(error)
        match error.errno:
            case number if number == EROFS:
                raise StateReadOnly(f"{where} cannot be written: {why}", HINTS[StateReadOnly]) from error
            case number if number in (ENOSPC, EDQUOT):
                raise StateFull(f"no room for {where}: {why}", HINTS[StateFull]) from error
            case number if number in (EACCES, EPERM):
                hint = f"let user {os.geteuid()} have it, or name another directory with --state"
                raise StateUnusable(f"{where} may not be used: {why}", hint) from error
            case _:
                hint = "check the path, or name another directory with --state"
                raise StateUnusable(f"{where} cannot be used: {why}", hint) from error


@contextmanager
def told_of_database(path: Path) -> Iterator[None]:
    """Turn what SQLite says into an error of the store."""
    try:
        yield
    except sqlite3.Error as error:
        # The low octet of an extended result code is the primary one.
        number = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind = StateFull if number in NO_ROOM and _is_full(path) else KINDS.get(number, StateUnusable)
        raise kind(f"{path}: {error}", HINTS.get(kind, "")) from error


def _is_full(path: Path) -> bool:
    """Whether the file system is, which SQLite tells as an input/output error where it maps memory."""
    try:
        return os.statvfs(path.parent).f_bavail * os.statvfs(path.parent).f_frsize < ROOM
    except OSError:
        return False


ROOM = 128 * 1024
"""What a write may need: a page of the log, and the index of the log."""
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
HINTS: dict[type[StoreError], str] = {
    StateFull: "make room there (df -h shows it); a serve that runs goes on by itself, else start it again",
    StateReadOnly: "mount it writable, or name another directory with --state",
    DatabaseDamaged: "bring the state directory back from a backup",
    DatabaseBusy: "end the program that holds the database open",
    StateUnusable: "check the path, or name another directory with --state",
}
