"""The runtime directory: where the sockets and the edge's boot copy lie, for one user's eyes only."""

import os
import stat
from pathlib import Path

from port443.edge.errors import RuntimeDirectoryUnsafe, RuntimeDirectoryUnusable, RuntimePathTooLong

SOCKET_PATH_BYTES = 107
"""`sun_path` has 108 bytes, and one of them ends it (unix(7))."""
EDGE_SOCKET = "edge.sock"
LONGEST_SOCKET = "admin.sock"
EDGE_LOG = "edge.log"
ROOT_COPY = Path("boot", "root.json")


def default_runtime(uid: int, xdg_runtime_dir: Path | None, temporary: Path = Path("/tmp")) -> Path:  # noqa: S108
    """Return where the sockets go when nobody said: in memory where the system offers that.

    The directory below `/tmp` is the last resort; `prepare_runtime` refuses one that somebody else made.
    """
    if uid == 0:
        return Path("/run/port443")
    if xdg_runtime_dir is not None:
        return xdg_runtime_dir / "port443"
    return temporary / f"port443-{uid}"


def prepare_runtime(path: Path) -> Path:
    """Make the directory when it is missing, and refuse one that is too long, unsafe or unusable."""
    path = path.absolute()
    _check_length(path)
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise RuntimeDirectoryUnusable(
            f"cannot make {path}: {error.strerror}", "name another with --runtime, or make it beforehand"
        ) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise RuntimeDirectoryUnsafe(
            f"{path} is not a directory of this user", "remove it, or name another with --runtime"
        )
    # Passing through is allowed: the group port443-admin reaches the admin socket that way.
    if found.st_mode & 0o066:
        raise RuntimeDirectoryUnsafe(f"{path} is open to other users", f"close it: chmod 700 {path}")
    if not os.access(path, os.W_OK | os.X_OK):
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            hint = "mount it writable, or name another with --runtime"
            raise RuntimeDirectoryUnusable(f"{path} is on a read-only file system", hint)
        raise RuntimeDirectoryUnusable(f"cannot write to {path}", f"open it: chmod 700 {path}")
    return path


def _check_length(path: Path) -> None:
    length = len(os.fsencode(path / LONGEST_SOCKET))
    if length > SOCKET_PATH_BYTES:
        raise RuntimePathTooLong(
            f"{path} is {length - SOCKET_PATH_BYTES} bytes too long for a socket in it",
            "name a shorter one with --runtime",
        )
