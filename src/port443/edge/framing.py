"""Frames and descriptors over one Unix stream socket: a length, a JSON object, and SCM_RIGHTS."""

import array
import asyncio
import errno
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from port443.core.contract.bounds import MAX_DESCRIPTORS, MAX_FRAME
from port443.core.contract.strict_json import BadJson, read_json
from port443.edge.errors import EdgeAnswerStrange, EdgeGone, EdgeUnreachable, FrameTooLong, refusal_of

CONTROL_BYTES = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)
MAX_LINE = 1024 * 1024
CHUNK = 256 * 1024
CONNECT_TIMEOUT_S = 5.0
REQUEST_TIMEOUT_S = 30.0
GONE = {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.EBADF, errno.ESHUTDOWN}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, and the descriptors received with it; the caller owns them."""

    fields: dict[str, Any]
    descriptors: tuple[int, ...] = ()


class Connection:
    """One connection to the edge: one request at a time, in order; closed as soon as it is out of step."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._buffer = bytearray()
        self._descriptors: list[int] = []

    @classmethod
    async def open(cls, path: Path) -> "Connection":
        """Connect to the socket of an edge."""
        connecting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().sock_connect(connecting, os.fspath(path))
        except (OSError, TimeoutError) as error:
            connecting.close()
            hint = f"start one: port443-edge --bind --runtime {path.parent}, which its unit does, too"
            raise EdgeUnreachable(f"no edge answers on {path}", hint) from error
        except BaseException:
            connecting.close()
            raise
        return cls(connecting)

    @property
    def is_closed(self) -> bool:
        """Whether we have closed it."""
        return self._socket.fileno() < 0

    @property
    def peer_pid(self) -> int:
        """The process that listens on the socket (unix(7))."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid: int = struct.unpack("3i", credentials)[0]
        return pid

    def close(self) -> None:
        """Close the connection, and the descriptors that were not taken."""
        self._socket.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._descriptors.clear()

    def interrupt(self) -> None:
        """End the connection from another task: a reader of it sees its end."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    async def request(
        self, verb: str, fields: Mapping[str, Any] | None = None, descriptors: Sequence[int] = ()
    ) -> Reply:
        """Send one request and return its answer; a refusal is raised as the error of its code."""
        frame = frame_of({"verb": verb, **(fields or {})})
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await self._send(frame, descriptors)
                reply = await self._receive_frame()
        except TimeoutError as error:
            self.close()
            raise EdgeGone(f"the edge did not answer {verb} within {REQUEST_TIMEOUT_S:.0f} s") from error
        except BaseException:
            self.close()  # after half a request or half an answer the connection is of no use
            raise
        return self._judged(verb, reply)

    def _judged(self, verb: str, reply: Reply) -> Reply:
        error = reply.fields.get("error")
        if isinstance(error, dict):
            _close_all(reply.descriptors)
            texts = (str(error.get(name, "")) for name in ("code", "path", "message"))
            raise refusal_of(*texts)
        if reply.fields.get("verb") != verb:
            _close_all(reply.descriptors)
            self.close()
            raise EdgeAnswerStrange(f"the edge answered {verb} with something else")
        return reply

    async def lines(self) -> AsyncIterator[bytes]:
        """Yield the following lines, until the edge ends the connection."""
        while True:
            line, newline, rest = self._buffer.partition(b"\n")
            if newline:
                self._buffer = rest
                yield bytes(line)
            elif len(self._buffer) > MAX_LINE:
                raise EdgeAnswerStrange("the edge sent a line without an end")
            elif not await self._receive_more():
                return

    async def wait_end(self, within_s: float) -> bool:
        """Whether the edge ended, or closed the connection, within the time."""
        try:
            async with asyncio.timeout(within_s):
                while await self._receive_more():
                    self._buffer.clear()
        except TimeoutError:
            return False
        except EdgeGone:
            return True
        return True

    async def _send(self, frame: bytes, descriptors: Sequence[int]) -> None:
        rest = memoryview(frame)
        try:
            if descriptors:
                sent = await self._when_ready(
                    lambda: socket.send_fds(self._socket, [rest], list(descriptors)), writing=True
                )
                rest = rest[sent:]
            await asyncio.get_running_loop().sock_sendall(self._socket, rest)
        except OSError as error:
            # The edge may have answered before it closed (a frame too long): the answer is read all the same.
            if error.errno not in GONE:
                raise EdgeGone(f"the edge cannot be written to: {error.strerror}") from error

    async def _receive_frame(self) -> Reply:
        (length,) = struct.unpack(">I", await self._receive_exactly(4))
        if length > MAX_FRAME:
            raise EdgeAnswerStrange("the edge announced a frame of more than 64 MiB")
        try:
            fields = read_json(bytes(await self._receive_exactly(length)))
        except BadJson as error:
            raise EdgeAnswerStrange("the edge sent a frame that is no JSON") from error
        if not isinstance(fields, dict):
            raise EdgeAnswerStrange("the edge sent a frame that is no JSON object")
        descriptors, self._descriptors = tuple(self._descriptors), []
        return Reply(fields, descriptors)

    async def _receive_exactly(self, count: int) -> bytearray:
        while len(self._buffer) < count:
            if not await self._receive_more():
                raise EdgeGone("the edge closed the connection before it answered")
        taken = self._buffer[:count]
        del self._buffer[:count]
        return taken

    async def _receive_more(self) -> bool:
        try:
            # Not socket.recv_fds, which drops its flags: programs that we start would inherit them.
            content, notes, flags, _ = await self._when_ready(
                lambda: self._socket.recvmsg(CHUNK, CONTROL_BYTES, socket.MSG_CMSG_CLOEXEC), writing=False
            )
        except OSError as error:
            raise EdgeGone(f"the connection to the edge broke: {error.strerror}") from error
        self._descriptors += _descriptors_in(notes)
        if flags & socket.MSG_CTRUNC:
            raise EdgeAnswerStrange("the edge sent more descriptors than one message carries")
        self._buffer += content
        return bool(content)

    async def _when_ready(self, attempt: Callable[[], Any], *, writing: bool) -> Any:
        """Return the result of `attempt` once it does not block: asyncio has no call for descriptors."""
        loop, descriptor = asyncio.get_running_loop(), self._socket.fileno()
        add, remove = (
            (loop.add_writer, loop.remove_writer) if writing else (loop.add_reader, loop.remove_reader)
        )
        while True:
            try:
                return attempt()
            except BlockingIOError:
                ready: asyncio.Future[None] = loop.create_future()
                add(descriptor, _wake, ready)
                try:
                    await ready
                finally:
                    remove(descriptor)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)


def _descriptors_in(notes: Sequence[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, content in notes:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return found.tolist()


def _close_all(descriptors: Sequence[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def frame_of(request: Mapping[str, Any]) -> bytes:
    """Return a request as it goes over the wire."""
    content = json.dumps(request, separators=(",", ":"), ensure_ascii=False).encode()
    if len(content) > MAX_FRAME:
        raise FrameTooLong(f"a request of {len(content)} bytes is more than the 64 MiB of a frame")
    return struct.pack(">I", len(content)) + content
