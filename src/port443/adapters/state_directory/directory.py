"""The state directory: 0700, one owner, one serve at a time."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from port443.adapters.state_directory.errors import StateAbsent, StateExposed, StateForeign, StateInUse
from port443.adapters.state_directory.public import publish
from port443.lease import Lease, LeaseTaken
from port443.storage_errors import file_errors

DIRECTORY_MODE, FILE_MODE = 0o700, 0o600
OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """A directory that exists and that only this user can write. Only `prepare` and `find` make one."""

    path: Path

    @classmethod
    def prepare(cls, path: Path) -> "StateDirectory":
        """Make the directory when it is missing, and check whose it is."""
        with file_errors(path):
            path.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
            if stat.S_IMODE(path.stat().st_mode) & OTHERS and not any(path.iterdir()):
                path.chmod(DIRECTORY_MODE)  # an empty one, made for us by `mkdir`: nothing was exposed
        return cls.find(path)

    @classmethod
    def find(cls, path: Path, *, needs_database: bool = False) -> "StateDirectory":
        """Check a directory that must be there already."""
        found = cls(path)
        absent = StateAbsent(f"{path} holds no state yet", "run `port443 serve`, or name it with --state")
        with file_errors(path):
            if not path.is_dir():
                raise absent
        _refuse_exposed(path, DIRECTORY_MODE)
        if found.has_database:
            _refuse_exposed(found.database, FILE_MODE)
        elif needs_database:
            raise absent
        return found

    @property
    def has_database(self) -> bool:
        """Whether there is one; raises `StateForeign` when this user may not look."""
        try:
            return self.database.exists()
        except PermissionError as error:
            owner = self.path.stat().st_uid
            raise _foreign(self.path, owner) from error

    @property
    def database(self) -> Path:
        return self.path / "port443.db"

    @property
    def key_encryption_key(self) -> Path:
        return self.path / "kek"

    def publish(self, name: str, content: bytes) -> Path:
        """Write a file for every user of this machine. Implements `PublicFiles`."""
        return publish(self.path, name, content)

    def lock(self) -> Lease:
        """Take the directory for one serve; raises `StateInUse` when another has it."""
        path = self.path / "serve.lock"
        try:
            with file_errors(path):
                return Lease(path)
        except LeaseTaken as holder:
            raise StateInUse(
                f"{self.path} is in use by another port443 serve, process {holder}",
                "stop it with `port443 stop`, or give this one its own directory with --state",
            ) from holder


def _refuse_exposed(path: Path, mode: int) -> None:
    with file_errors(path):
        found = path.stat()
    if found.st_uid not in (os.geteuid(), 0) and os.geteuid() != 0:
        raise _foreign(path, found.st_uid)
    if stat.S_IMODE(found.st_mode) & OTHERS:
        raise StateExposed(
            f"{path} is open to other users (mode {stat.S_IMODE(found.st_mode):04o})",
            f"chmod {mode:o} {path}",
        )


def _foreign(path: Path, owner: int) -> StateForeign:
    return StateForeign(
        f"{path} belongs to user {owner}, and user {os.geteuid()} runs port443",
        "run port443 as that user, or name your own directory with --state",
    )
