"""Files for every user of this machine, beside the state directory, which only its owner may enter."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from port443.storage_errors import file_errors

DIRECTORY_MODE, FILE_MODE = 0o755, 0o644
WRITABLE = 0o022


def public_directory(state: Path) -> Path:
    """Return the public directory that belongs to a state directory."""
    return state.with_name(f"{state.name}-public")


def publish(state: Path, name: str, content: bytes) -> Path:
    """Write a public file atomically; an existing one stays.

    If the public directory cannot be used, such as below a parent of another user, the file is written to
    the state directory, for its owner.
    """
    try:
        return _written(_opened(public_directory(state), state) / name, content)
    except OSError:
        with file_errors(state / name):
            return _written(state / name, content)


def published(state: Path, names: Sequence[str]) -> dict[str, tuple[Path, bytes]]:
    """Return the public files that exist, each with its path."""
    directory, found = public_directory(state), {}
    for name in names:
        path = directory / name
        try:
            _refuse_unsafe(directory, state)
            found[name] = path, path.read_bytes()
        except OSError:
            continue
    return found


def _opened(directory: Path, state: Path) -> Path:
    directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    found = _refuse_unsafe(directory, state)
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != DIRECTORY_MODE:
        directory.chmod(DIRECTORY_MODE)  # a umask, or a service manager, made it narrower
    return directory


def _refuse_unsafe(directory: Path, state: Path) -> os.stat_result:
    """Raise PermissionError where another user could replace our root with theirs."""
    found = directory.lstat()
    owners = {0, os.geteuid(), state.stat().st_uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & WRITABLE:
        raise PermissionError(f"{directory} is open to others")
    return found


def _written(path: Path, content: bytes) -> Path:
    if path.exists() and path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == FILE_MODE:
        return path
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(FILE_MODE)
    draft.replace(path)
    return path
