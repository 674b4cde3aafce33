"""Answer on the admin socket; who asks is known by the kernel (SO_PEERCRED), not by what they say."""

import asyncio
import fcntl
import grp
import json
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

from port443.core.errors import Port443Error, ServeError

GROUP = "port443-admin"
REQUEST_BYTES = 64 * 1024
REQUEST_TIMEOUT_S = 10
LAST_ANSWERS_S = 2
PEER_CREDENTIALS = struct.Struct("3i")

Answerer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class RuntimeBusy(ServeError):
    """Another `port443 serve` uses this runtime directory.

    Two control planes would contradict each other at one edge. Stop the other one with `port443 stop`,
    or give this one a directory of its own with `--runtime DIR`.
    """

    code = "P443-E401"
    fault = "operator"
    exit_code = 5


class AdminSocket:
    """Holds the runtime directory's lease and answers requests until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lease = _take_lease(path.with_suffix(".lock"))
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[Any] | None] = set()

    async def open(self, answer: Answerer) -> None:
        """Begin to listen; `answer` gets each request and returns the answer or raises Port443Error."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._talks.add(task := asyncio.current_task())
            try:
                await _converse(reader, writer, answer)
            except (OSError, TimeoutError, ValueError):
                pass  # whoever asked has gone, or sent no line: there is nobody to tell
            finally:
                self._talks.discard(task)
                writer.close()

        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(talk, self.path, limit=REQUEST_BYTES)
        self.path.chmod(_give_to_group(self.path))

    async def close(self) -> None:
        """Stop listening, let answers under way be finished, and give the lease back."""
        if self._server:
            self._server.close()
            self.path.unlink(missing_ok=True)
        if talks := [talk for talk in self._talks if talk]:
            await asyncio.wait(talks, timeout=LAST_ANSWERS_S)
        self._lease.close()


def _take_lease(path: Path) -> IO[str]:
    lease = path.open("a+")
    try:
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lease.seek(0)
        pid = lease.read().strip() or "unknown"
        lease.close()
        raise RuntimeBusy(
            f"{path.parent}: port443 serve (pid {pid}) already runs here",
            f"stop it: port443 stop --runtime {path.parent}, or choose another --runtime",
        ) from error
    lease.truncate(0)
    lease.write(f"{os.getpid()}\n")
    lease.flush()
    return lease


def _give_to_group(path: Path) -> int:
    """Let the group port443-admin in where it exists; return the mode for the socket."""
    try:
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
    except (KeyError, PermissionError):
        return 0o600
    return 0o660


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answerer) -> None:
    async with asyncio.timeout(REQUEST_TIMEOUT_S):
        line = await reader.readline()
    if not line:
        return
    writer.write(json.dumps(await _answer(line, writer, answer)).encode() + b"\n")
    await writer.drain()


async def _answer(line: bytes, writer: asyncio.StreamWriter, answer: Answerer) -> dict[str, Any]:
    peer: socket.socket = writer.get_extra_info("socket")
    if not _allowed(peer):
        return _error("P443-E411", "not allowed", f"ask as root or as a member of {GROUP}")
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            return _error("P443-E413", "the request is no JSON object", "")
        return await answer(request)
    except ValueError as error:
        return _error("P443-E413", f"the request is not JSON: {error}", "")
    except Port443Error as error:
        return _error(error.code, error.message, error.hint)


def _error(code: str, message: str, hint: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "hint": hint}}


def _allowed(peer: socket.socket) -> bool:
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER_CREDENTIALS.size)
    _pid, uid, gid = PEER_CREDENTIALS.unpack(raw)
    if uid in {0, os.geteuid()}:
        return True
    try:
        admin = grp.getgrnam(GROUP).gr_gid
        return admin in {gid, *os.getgrouplist(pwd.getpwuid(uid).pw_name, gid)}
    except KeyError:
        return False
