"""HTTP/2 while the edge's memory is scarce: a stuck upload, and the answer that goes on beside it."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest

from http2_frames import (
    CONNECTION_WINDOW,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    STREAM_WINDOW,
    WINDOW_UPDATE,
    Http2,
    frame,
    http2,
    request,
)
from slow_peers import (
    SEGMENT_BYTES,
    STAND_STILL_S,
    SYSTEM_BUFFER_BYTES,
    buffered_bytes,
    client,
    is_held_back,
    stands_still,
)
from upstreams import Received, Visit, running_upstream
from waiting import wait_until
from web import NAME, Web, client_context, running_web

pytestmark = pytest.mark.machine

PLENTY = 4 << 20
"""The edge's memory is scarce when a worker holds so much in its buffers."""
STRANGERS = {
    "connections_per_address": 1000,
    "handshakes_per_second": 1000,
    "handshakes_burst": 1000,
    "body_timeout_ms": 600_000,
}
ANSWER_BYTES = 1 << 20
PIECE_BYTES = 1 << 14
FRAME = frame(DATA, stream=1, payload=bytes(PIECE_BYTES))
UNREAD_FRAMES = 3
"""Frames of the body that the client's windows come behind: more than the edge holds of a body while memory
is scarce, less than the system's buffers and the stream's window take."""
SLOW_GET = f"GET /slow HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()


class Duplex:
    """A server that answers at length before it reads anything of the request's body."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_leave = threading.Event()

    def answer(self, visit: Visit, request: Received) -> None:
        if request.path == "/slow":
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
            while True:
                visit.send(bytes(1 << 16))
        visit.wait(self.may_answer.is_set)
        visit.send(f"HTTP/1.1 200 OK\r\nContent-Length: {ANSWER_BYTES}\r\n\r\n".encode())
        visit.send(bytes(ANSWER_BYTES))
        # To close with the body unread would reset the answer away.
        visit.wait(self.may_leave.is_set)
        visit.close()


def make_scarce(web: Web, held: contextlib.ExitStack) -> None:
    """Open readers that take a byte each until the edge holds for them what makes its memory scarce."""
    context = client_context(web)

    def is_scarce() -> bool:
        if buffered_bytes(web) >= PLENTY and stands_still(web, "sent"):
            return True
        readers = [held.enter_context(client(web, context, SLOW_GET)) for _ in range(4)]
        assert all(reader.recv(1) for reader in readers)
        return False

    wait_until(is_scarce, STAND_STILL_S)


class Upload:
    """A body on its way, within the windows that the edge gives."""

    def __init__(self, duplex: Http2) -> None:
        self._duplex = duplex
        self._windows = {0: CONNECTION_WINDOW, 1: STREAM_WINDOW}

    def push(self) -> None:
        """Send a frame; the window for it comes when the edge has handed on enough."""
        while min(self._windows.values()) < PIECE_BYTES:
            found = self._duplex.wait(WINDOW_UPDATE, None)
            self._windows[found.stream] += int.from_bytes(found.payload)
        self._duplex.send(FRAME)
        self._windows = {stream: window - PIECE_BYTES for stream, window in self._windows.items()}


def test_an_answer_goes_on_beside_a_stuck_upload(tmp_path: Path) -> None:
    """The client's windows are heard of, though they come behind a body of which the server takes nothing."""
    server = Duplex()
    with running_upstream(server.answer) as upstream, contextlib.ExitStack() as held:
        upstream.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER_BYTES)
        upstream.listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        web = held.enter_context(running_web(tmp_path, upstream.server, limits=STRANGERS))
        make_scarce(web, held)
        duplex = held.enter_context(http2(web))
        duplex.send(frame(HEADERS, END_HEADERS, 1, request(method="POST", path="/duplex")))
        upload = Upload(duplex)
        while not is_held_back(web, duplex.tls):
            upload.push()
        for _ in range(UNREAD_FRAMES):
            upload.push()
        server.may_answer.set()
        came = 0
        while (found := duplex.read()) and not (found.kind == DATA and found.flags & END_STREAM):
            if found.kind == DATA:
                came += len(found.payload)
                more = len(found.payload).to_bytes(4)
                duplex.send(*(frame(WINDOW_UPDATE, stream=it, payload=more) for it in (0, 1)))
        assert found
        assert came + len(found.payload) == ANSWER_BYTES
        assert web.edge.stats()["http2_cutoffs"] == {}
        server.may_leave.set()
