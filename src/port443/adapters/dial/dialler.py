"""Open sockets for probes: bounded in time, in bytes and in number."""

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from port443.adapters.dial.pace import Pace
from port443.adapters.dial.web import Announce, fetch_head, local_endpoint
from port443.core.names import Endpoint, IPName, SiteName
from port443.core.probe.failures import (
    AnswerTimedOut,
    ConnectionWasReset,
    ConnectRefused,
    ConnectTimedOut,
    HostUnreachable,
    NameUnresolved,
    words_of,
)
from port443.core.probe.http import HTTPAnswer, HTTPRequest

READ_SIZE = 16 * 1024
LINGER_S = 1.0
MAX_ADDRESSES = 16
MAX_PACES = 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close by reset, leave no TIME_WAIT behind
GONE = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)


async def _announce_nothing(_: Endpoint) -> None:
    """The default: no one counts connections."""


class Dialler:
    """A `Dial` over asyncio and plain sockets."""

    def __init__(self, parallel: int = 4, *, announce: Announce | None = None) -> None:
        """`announce` is awaited with the local endpoint of each connection, before anything is sent on it."""
        self._parallel = parallel
        self._announce = announce or _announce_nothing
        self._paces: dict[str, Pace] = {}

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        if isinstance(name, IPName):
            return (Endpoint(name.text, port),)
        loop = asyncio.get_running_loop()
        try:
            # Independent of the resolver: names below localhost are this machine (RFC 6761 §6.3).
            lookup = "localhost" if name.text.endswith(".localhost") else name.text
            found = await loop.getaddrinfo(lookup, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NameUnresolved(
                f"{name} has no address: {words_of(error)}",
                "check the spelling, or give --connect ADDRESS",
            ) from error
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return tuple(Endpoint(address, port) for address in list(addresses)[:MAX_ADDRESSES])

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, within_s: float) -> AsyncIterator["SocketConnection"]:
        pace = self._pace(endpoint)
        async with pace.slot():
            try:
                async with self._opened(endpoint, within_s) as connection:
                    yield connection
            except (ConnectionWasReset, ConnectTimedOut, AnswerTimedOut):
                pace.record_failure()
                raise
            pace.record_success()

    @asynccontextmanager
    async def _opened(self, endpoint: Endpoint, within_s: float) -> AsyncIterator["SocketConnection"]:
        end = asyncio.get_running_loop().time() + within_s
        opened = await _open(endpoint, end, within_s)
        try:
            await self._announce(local_endpoint(opened))
            yield SocketConnection(opened, endpoint, end)
        finally:
            opened.close()

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        async with self._pace(endpoint).slot():
            return await fetch_head(endpoint, request, within_s, self._announce)

    def back_off(self, endpoint: Endpoint) -> None:
        self._pace(endpoint).back_off()

    def _pace(self, endpoint: Endpoint) -> Pace:
        """Return the pace of an address; those that are in use, and the latest of the others, are kept."""
        pace = self._paces.pop(endpoint.address, None) or Pace(self._parallel)
        self._paces[endpoint.address] = pace
        if len(self._paces) > MAX_PACES:
            idle = next((address for address, one in self._paces.items() if one.is_idle), None)
            self._paces.pop(idle or "", None)
        return pace


class SocketConnection:
    """A `Connection` over one socket."""

    def __init__(self, opened: socket.socket, endpoint: Endpoint, end: float) -> None:
        self._socket = opened
        self._endpoint = endpoint
        self._end = end
        self._was_cut = False

    async def send(self, octets: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(self._end):
                await loop.sock_sendall(self._socket, octets)
        except TimeoutError as error:
            raise AnswerTimedOut(f"{self._endpoint} stopped reading") from error
        except GONE:
            # The alert may be in our buffer before our hello is fully sent (RFC 8446 §6): read on.
            self._was_cut = True

    async def receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(self._end):
                octets = await loop.sock_recv(self._socket, READ_SIZE)
        except TimeoutError as error:
            raise AnswerTimedOut(f"{self._endpoint} did not answer in time") from error
        except GONE as error:
            raise ConnectionWasReset(f"{self._endpoint} reset the connection") from error
        if not octets and self._was_cut:  # the system reports a reset only once, and did so to `send`
            raise ConnectionWasReset(f"{self._endpoint} reset the connection")
        return octets

    async def finish(self) -> None:
        loop = asyncio.get_running_loop()
        self._end = min(self._end, loop.time() + LINGER_S)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            self._socket.shutdown(socket.SHUT_WR)
            while await self.receive():
                pass
        except (OSError, AnswerTimedOut, ConnectionWasReset):
            return  # the peer has gone already, or is slow: neither matters any more


async def _open(endpoint: Endpoint, end: float, within_s: float) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise HostUnreachable(f"no socket for {endpoint}: {words_of(error)}") from error
    try:
        opened.setblocking(False)  # noqa: FBT003 - the method's name explains the argument
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        async with asyncio.timeout_at(end):
            await asyncio.get_running_loop().sock_connect(opened, (endpoint.address, endpoint.port))
    except BaseException as error:
        opened.close()
        if isinstance(error, OSError):
            raise _failure_of(error, endpoint, within_s) from error
        raise
    return opened


def _failure_of(
    error: OSError, endpoint: Endpoint, within_s: float
) -> ConnectRefused | ConnectTimedOut | ConnectionWasReset | HostUnreachable:
    """Return the failure for an OS error."""
    if isinstance(error, TimeoutError):
        return ConnectTimedOut(
            f"{endpoint} did not answer within {within_s:g} s", "a firewall may drop the packets"
        )
    if error.errno == errno.ECONNREFUSED:
        return ConnectRefused(f"nothing listens on {endpoint}", "check the port, and that the server runs")
    if isinstance(error, GONE):
        return ConnectionWasReset(f"{endpoint} reset the connection")
    return HostUnreachable(f"{endpoint} cannot be reached: {words_of(error)}")
