"""Files for every user of this machine, beside the state directory, which only its owner may enter."""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from port443.storage_errors import told_of_files

DIRECTORY_MODE, FILE_MODE = 0o755, 0o644
WRITABLE = 0o022


def public_directory(state: Path) -> Path:
    """Return the directory for everybody that belongs to a state directory."""
    return state.with_name(f"{state.name}-public")


def publish(state: Path, name: str, content: bytes) -> Path:
    """Write a file that everybody may read, at once or not at all; what is there already stays.

    Where the directory for everybody cannot be had, such as below a parent that is not ours, the file
    stands in the state directory, for its owner.
    """
    try:
        return _written(_opened(public_directory(state), state) / name, content)
    except OSError:
        with told_of_files(state / name):
            return _written(state / name, content)


def published(state: Path, names: Sequence[str]) -> dict[str, tuple[Path, bytes]]:
    """Return those of the files that are there for everybody, each with its path."""
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
    """Raise PermissionError where somebody else could put a root of their own in the place of ours."""
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
