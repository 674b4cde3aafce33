"""The server of the admin socket. It authorises clients by their credentials (SO_PEERCRED)."""

import asyncio
import grp
import json
import logging
import os
import pwd
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from port443.adapters.admin.client import NotAllowed
from port443.core.errors import Port443Error, ServeError, SettingsError
from port443.lease import Lease, LeaseTaken

GROUP = "port443-admin"
REQUEST_BYTES = 64 * 1024
REQUEST_TIMEOUT_S = 5
ANSWER_TIMEOUT_S = 10
LINGER_S = 1
LAST_ANSWERS_S = 2
MAX_CLIENTS = 256
"""Concurrent clients; further ones are refused."""
PEER_CREDENTIALS = struct.Struct("3i")

Answerer = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]

log = logging.getLogger("port443")


class RuntimeBusy(ServeError):
    """Another `port443 serve` uses this runtime directory.

    Two control planes would contradict each other at one edge. Stop the other one with `port443 stop`,
    or give this one its own directory with `--runtime DIR`.
    """

    code = "P443-E401"
    fault = "operator"
    exit_code = 5


class RuntimeFull(ServeError):
    """The runtime directory cannot be written to: it is full, or mounted read-only.

    It is small and on a tmpfs (`df` shows how much room it has). Make room, or name another directory
    with `--runtime DIR`.
    """

    code = "P443-E402"
    fault = "machine"


class RequestUnreadable(ServeError):
    """The request on the admin socket is not a JSON object on one line of at most 64 KiB.

    Only port443's own commands use it, of the same version as `serve`: compare port443 --version.
    """

    code = "P443-E413"


class TooManyAdminClients(ServeError):
    """More clients are connected to the admin socket than it accepts at the same time.

    They keep it open without a request: `ss -xp` shows their processes.
    """

    code = "P443-E416"
    fault = "operator"
    retry = True


class AnswerFailed(ServeError):
    """An unexpected exception in `port443 serve` while it answered.

    It continues to run. Its log has the traceback: please report it.
    """

    code = "P443-E417"


class AdminSocket:
    """Holds the runtime directory's lease and answers requests until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lease = _acquire_lease(lease_of(path))
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.Task[Any] | None] = set()

    async def open(self, answer: Answerer) -> None:
        """Begin to listen; `answer` gets each request and returns the answer or raises Port443Error."""

        async def serve_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._clients.add(task := asyncio.current_task())
            try:
                document = await self._answer(reader, writer, answer)
                if document is not None:
                    await _write(writer, document)
                    await _linger(reader, writer)
            except (OSError, TimeoutError):
                pass  # the client has gone, or does not read
            finally:
                writer.transport.abort()  # what was written is with the kernel; the rest is dropped
                self._clients.discard(task)

        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(serve_client, self.path, limit=REQUEST_BYTES)
        self.path.chmod(_give_to_group(self.path))

    async def close(self) -> None:
        """Stop accepting, finish answers under way, and release the lease."""
        if self._server:
            self._server.close()
            self.path.unlink(missing_ok=True)
        if tasks := [task for task in self._clients if task]:
            await asyncio.wait(tasks, timeout=LAST_ANSWERS_S)
        self._lease.release()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answerer
    ) -> dict[str, Any] | None:
        """Return the answer to the request, or the error; None without a request."""
        try:
            self._admit(writer.get_extra_info("socket"))
            request = await _request(reader)
            return None if request is None else await answer(request)
        except Port443Error as error:
            return {"error": _error_document(error)}
        except Exception as error:
            log.exception("answer_failed")
            return {
                "error": _error_document(
                    AnswerFailed(f"{type(error).__name__}: {error}", "see the log of serve")
                )
            }

    def _admit(self, peer: socket.socket) -> None:
        if not _allowed(peer):
            raise NotAllowed("not allowed", f"run as root or as a member of {GROUP}")
        if len(self._clients) > MAX_CLIENTS:
            raise TooManyAdminClients(f"{MAX_CLIENTS} clients are connected already", "list them: ss -xp")


def lease_of(path: Path) -> Path:
    """Return the file of the lease that belongs to an admin socket."""
    return path.with_suffix(".lock")


def _acquire_lease(path: Path) -> Lease:
    try:
        return Lease(path)
    except LeaseTaken as holder:
        raise RuntimeBusy(
            f"{path.parent}: port443 serve (pid {holder}) already runs here",
            f"stop it: port443 stop --runtime {path.parent}, or choose another --runtime",
        ) from holder
    except OSError as error:
        raise RuntimeFull(
            f"{path} cannot be written: {error.strerror}", "make room, or choose another --runtime"
        ) from error


def _give_to_group(path: Path) -> int:
    """Give the group port443-admin access where it exists; return the mode of the socket."""
    try:
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
    except (KeyError, PermissionError):
        return 0o600
    return 0o660


async def _request(reader: asyncio.StreamReader) -> dict[str, Any] | None:
    """Read one request; None when the client sends nothing, or not all of it in time."""
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            line = await reader.readline()
    except (OSError, TimeoutError):
        return None
    except ValueError as error:
        raise RequestUnreadable(f"the request has more than {REQUEST_BYTES} bytes") from error
    if not line:
        return None
    try:
        request = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RequestUnreadable(f"the request is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise RequestUnreadable("the request is no JSON object")
    return request


async def _write(writer: asyncio.StreamWriter, document: dict[str, Any]) -> None:
    """Write the answer and wait, for a bounded time, until it has been read."""
    writer.transport.set_write_buffer_limits(0)
    writer.write(json.dumps(document).encode() + b"\n")
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        await writer.drain()


async def _linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Wait for the client to close: closing first with unread input would reset the connection."""
    writer.write_eof()
    async with asyncio.timeout(LINGER_S):
        while await reader.read(REQUEST_BYTES):
            pass


def _error_document(error: Port443Error) -> dict[str, Any]:
    return {
        "code": error.code,
        "fault": error.fault,
        "retry": error.retry,
        "message": error.message,
        "hint": error.hint,
        "report": error.report(),
        "facts": error.facts(),
        "is_settings": isinstance(error, SettingsError),
    }


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
