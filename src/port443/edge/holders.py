"""The process that listens on a port already, read from /proc as far as permissions allow."""

import ipaddress
import os
import struct
from pathlib import Path

LISTEN = "0A"


def holder_of(address: str, port: int, proc: Path = Path("/proc")) -> str | None:
    """Return the process that listens on an endpoint, as `nginx (pid 4711)`; empty when unknown."""
    inodes = {inode for table in ("tcp", "tcp6") for inode in _listening(proc / "net" / table, address, port)}
    if not inodes:
        return None
    for process in sorted(proc.glob("[0-9]*"), key=lambda path: int(path.name)):
        if inodes & set(_sockets(process)):
            return f"{_name(process)} (pid {process.name})"
    return "a process of another user"


def _listening(table: Path, address: str, port: int) -> list[str]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return []
    rows = (line.split() for line in lines)
    return [row[9] for row in rows if row[3] == LISTEN and _clashes(row[1], address, port)]


def _clashes(local: str, address: str, port: int) -> bool:
    shown, _, port_hex = local.rpartition(":")
    if int(port_hex, 16) != port:
        return False
    theirs, ours = _address(shown), ipaddress.ip_address(address)
    mapped = getattr(theirs, "ipv4_mapped", None) or theirs
    return ours in {theirs, mapped} or ours.is_unspecified or theirs.is_unspecified


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read the kernel's form: 32-bit groups, each in the byte order of the machine (proc_pid_net(5))."""
    groups = struct.unpack(f">{len(text) // 8}I", bytes.fromhex(text))
    return ipaddress.ip_address(struct.pack(f"={len(groups)}I", *groups))


def _sockets(process: Path) -> list[str]:
    found = []
    try:
        for descriptor in (process / "fd").iterdir():
            try:
                target = os.readlink(descriptor)  # noqa: PTH115 # it is no path: socket:[12345]
            except OSError:
                continue
            if target.startswith("socket:["):
                found.append(target[8:-1])
    except OSError:
        pass  # another user's process, or one that has just ended
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return "a process"
