"""The runtime directory: where the sockets and the edge's boot copy lie, for one user's eyes only."""

import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from port443.edge.errors import RuntimeDirectoryUnsafe, RuntimeDirectoryUnusable, RuntimePathTooLong

SOCKET_PATH_BYTES = 107
"""`sun_path` has 108 bytes, and one of them ends it (unix(7))."""
EDGE_SOCKET = "edge.sock"
LONGEST_SOCKET = "admin.sock"
EDGE_LOG = "edge.log"
HAS_UNIT = "edge.external"
"""A file that exists while something other than `port443 serve` starts the edge."""
IN_MEMORY = {"tmpfs", "ramfs"}
ROOT_COPY = Path("boot", "root.json")


@dataclass(frozen=True, slots=True)
class Machine:
    """Where a machine offers places for sockets."""

    run: Path = Path("/run")
    shared_memory: Path = Path("/dev/shm")  # noqa: S108 - what is ours in it is checked
    temporary: Path = Path("/tmp")  # noqa: S108 - the last resort
    mounts: Path = Path("/proc/self/mountinfo")

    def is_in_memory(self, path: Path) -> bool:
        """Whether `path` lies, or would lie, on a file system in memory."""
        while not path.exists() and path != path.parent:
            path = path.parent
        try:
            device = path.stat().st_dev
            rows = [line.partition(" - ") for line in self.mounts.read_text().splitlines()]
        except OSError:
            return False
        name = f"{os.major(device)}:{os.minor(device)}"
        kinds = {kind.split()[0] for mount, _, kind in rows if mount.split()[2] == name}
        return bool(kinds) and kinds <= IN_MEMORY


def default_runtime(uid: int, xdg_runtime_dir: Path | None, machine: Machine | None = None) -> Path:
    """Return the default directory of the sockets: on a tmpfs where the system has one.

    If the usual place is on a disk, as in many containers, it is a directory of this user in `/dev/shm`: one
    that does not exist yet, or that only this user can write. A file of another user with that name is
    skipped. If an edge answers in the usual place, that place is used.
    """
    machine = machine or Machine()
    usual = _usual(uid, xdg_runtime_dir, machine)
    ours = machine.shared_memory / f"port443-{uid}"
    if machine.is_in_memory(usual) or not machine.is_in_memory(machine.shared_memory) or _answers(usual):
        return usual
    return ours if _may_be_ours(ours, uid) else usual


def _usual(uid: int, xdg_runtime_dir: Path | None, machine: Machine) -> Path:
    if uid == 0:
        return machine.run / "port443"
    if xdg_runtime_dir is not None:
        return xdg_runtime_dir / "port443"
    return machine.temporary / f"port443-{uid}"


def _answers(runtime: Path) -> bool:
    """Whether an edge runs there, to be adopted."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(os.fspath(runtime / EDGE_SOCKET))
        except OSError:
            return False
    return True


def _may_be_ours(path: Path, uid: int) -> bool:
    """Whether it is absent, or this user's and closed to others; any user can create names beside it."""
    try:
        if not path.parent.stat().st_mode & stat.S_ISVTX:
            return False  # another user could rename ours
        found = path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and stat.S_IMODE(found.st_mode) == 0o700


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
