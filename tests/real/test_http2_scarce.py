"""HTTP/2 while the edge's memory is scarce: a stuck upload, and the answer that goes on beside it."""

import contextlib
import socket
import ssl
import threading
from pathlib import Path

from http2_frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    WINDOW_UPDATE,
    Http2,
    frame,
    http2,
    request,
)
from slow_peers import SEGMENT_BYTES, SYSTEM_BUFFER_BYTES, client
from upstreams import Received, Visit, running_upstream
from web import NAME, client_context, running_web

from waiting import wait_until

READERS = 80
"""Of whom each has the edge hold a large piece, until there are 4 MiB of them."""
ANSWER_BYTES = 1 << 20
FRAME = frame(DATA, stream=1, payload=bytes(16384))
SLOW_GET = f"GET /slow HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()


class Duplex:
    """A server that answers at length before it reads anything of the request's body."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_leave = threading.Event()

    def answer(self, visit: Visit, request: Received) -> None:
        if request.path == "/slow":
            visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    visit.send(bytes(1 << 16))
        assert self.may_answer.wait(30)
        visit.send(f"HTTP/1.1 200 OK\r\nContent-Length: {ANSWER_BYTES}\r\n\r\n".encode())
        visit.send(bytes(ANSWER_BYTES))
        # To close with the body unread would reset the answer away.
        assert self.may_leave.wait(30)
        visit.close()


def fill(duplex: Http2) -> int:
    """Send a body until the edge does not listen any more; return how much that was."""
    duplex.tls.settimeout(1)
    for count in range(1, 17):
        duplex.send(FRAME, frame(PING, payload=bytes(8)))
        try:
            duplex.wait(PING)
        except (TimeoutError, ssl.SSLError):
            duplex.tls.settimeout(20)
            return count
    raise AssertionError("the edge takes everything")


def test_an_answer_goes_on_beside_a_stuck_upload(tmp_path: Path) -> None:
    """The client's windows are heard of, though the server takes nothing of what the client sends."""
    server = Duplex()
    with running_upstream(server.answer) as upstream, contextlib.ExitStack() as held:
        upstream.listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER_BYTES)
        upstream.listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        web = held.enter_context(running_web(tmp_path, upstream.server))
        context = client_context(web)
        readers = [held.enter_context(client(web, context, SLOW_GET)) for _ in range(READERS)]
        assert all(reader.recv(1) for reader in readers)
        wait_until(lambda: web.edge.stats()["bytes"]["sent"] == web.edge.stats()["bytes"]["sent"])
        duplex = held.enter_context(http2(web))
        duplex.send(frame(HEADERS, END_HEADERS, 1, request(method="POST", path="/duplex")))
        fill(duplex)
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
