"""OS errors of the state directory's files, as errors of the store."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EDQUOT, ENOSPC, EPERM, EROFS
from pathlib import Path

from port443.core.errors import StoreError


class StateUnusable(StoreError):
    """The state directory or its database cannot be opened, made, read or written.

    The message names the path and the error of the system. Check that it is a directory on a local disk,
    that it belongs to the user who runs port443, and that no other kind of file has its name.
    """

    code = "P443-E612"
    fault = "machine"


class StateReadOnly(StoreError):
    """The state directory lies on a file system, or the database in a file, that cannot be written.

    Mount it writable, or name another directory with `--state DIR`.
    """

    code = "P443-E615"
    fault = "machine"


class StateFull(StoreError):
    """There is no room on the disk (or in the quota) for the state directory.

    What is stored is complete; nothing new could be added. Make room. A running `port443 serve` continues by
    itself; one that could not start has to be started again.
    """

    code = "P443-E616"
    fault = "machine"
    retry = True


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Return the error of the store for an OS error of `path`."""
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
                hint = f"make user {os.geteuid()} its owner, or name another directory with --state"
                raise StateUnusable(f"{where} may not be used: {why}", hint) from error
            case _:
                raise StateUnusable(f"{where} cannot be used: {why}", HINTS[StateUnusable]) from error


HINTS: dict[type[StoreError], str] = {
    StateFull: "make room there (df -h shows it); a running serve continues by itself, else start it again",
    StateReadOnly: "mount it writable, or name another directory with --state",
    StateUnusable: "check the path, or name another directory with --state",
}
