"""Crowds of clients and servers that take or bring next to nothing."""

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from port443.core.contract.snapshot import Server
from web import DEADLINE_S, NAME, Web
from wrapping import wrapped

STAND_STILL_S = 90.0
"""How long one of so many may wait for its turn on a busy machine."""
BODY_BYTES = 100 << 20
SYSTEM_BUFFER_BYTES = 4096
"""What the system may hold of each connection: little, so that the edge comes to hold the rest."""
SEGMENT_BYTES = 1400
"""The longest segment for a server: loopback's own would let the system hold megabytes."""
SEND_BUFFER_BYTES = 16 << 10
"""The same of what a client sends: room for a record, so that each attempt shows whether one goes."""
BLOCK = b"x" * (1 << 16)
BODY = b"\xff"
"""What an upload consists of: no head and no chunk's frame has it."""
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()


class Source:
    """A server of responses that are too long for everyone; one thread serves all."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._ended, self._end = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._ended, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run)
        self._open: list[socket.socket] = []

    @property
    def server(self) -> Server:
        return Server("127.0.0.1", self._listener.getsockname()[1])

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select():
                if key.data is None:
                    return
                key.data(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(0)
        self._open.append(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._begin)

    def _begin(self, connection: socket.socket) -> None:
        connection.recv(1 << 16)
        connection.send(HEAD)
        self._selector.modify(connection, selectors.EVENT_WRITE, self._go_on)

    def _go_on(self, connection: socket.socket) -> None:
        try:
            connection.send(BLOCK)
        except OSError:
            self._selector.unregister(connection)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.send(b"x")
        self._thread.join(DEADLINE_S)
        for sock in (*self._open, self._listener, self._ended, self._end):
            sock.close()
        self._selector.close()


class Sink(Source):
    """A server that reads what comes, and never answers."""

    def _begin(self, connection: socket.socket) -> None:
        if not connection.recv(1 << 16):
            self._selector.unregister(connection)


class Wall(Source):
    """A server that takes nothing before it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0
        """Bytes of bodies that came."""
        # Whoever is accepted inherits it.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER_BYTES)
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.settimeout(0)
        self._open.append(connection)

    def open(self) -> None:
        """Take what has come and what will."""
        for connection in self._open:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, len(BLOCK))
            self._selector.register(connection, selectors.EVENT_READ, self._begin)

    def _begin(self, connection: socket.socket) -> None:
        piece = connection.recv(1 << 16)
        self.taken += piece.count(BODY)
        if not piece:
            self._selector.unregister(connection)


@contextlib.contextmanager
def client(web: Web, context: ssl.SSLContext, first: bytes) -> Iterator[ssl.SSLSocket]:
    """Open a connection whose small buffers fill at once, and send the first bytes."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SYSTEM_BUFFER_BYTES)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        raw.settimeout(STAND_STILL_S)
        raw.connect(("127.0.0.1", web.port))
        with wrapped(context, raw, server_hostname=NAME) as tls:
            tls.sendall(first)
            yield tls


def stands_still(web: Web, way: str) -> bool:
    """Whether no more bytes have gone that way between two looks."""
    return bool(web.edge.stats()["bytes"][way] == web.edge.stats()["bytes"][way])


def buffered_bytes(web: Web) -> int:
    """Return what the worker's buffers held when it last waited; it has had its turns until now."""
    let_others_pass(web)
    count: int = web.edge.stats()["memory"]["buffered_bytes"]
    return count


def let_others_pass(web: Web) -> None:
    """Give the worker the turns that other clients' handshakes take."""
    for _ in range(2):
        with web.connected():
            pass


def is_held_back(web: Web, ours: socket.socket) -> bool:
    """Whether the edge leaves unread what came from our end of a connection, though it serves others."""
    before = web.edge.stats()["bytes"]
    let_others_pass(web)
    return _unread_bytes(ours) > 0 and web.edge.stats()["bytes"] == before


def _unread_bytes(ours: socket.socket) -> int:
    """Count what has come to the other end, on this machine, and was not read there."""
    ends = (f":{ours.getpeername()[1]:04X}", f":{ours.getsockname()[1]:04X}")
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, _, queues, *_ = row.split()
        if (local[-5:], remote[-5:]) == ends:
            return int(queues.partition(":")[2], 16)
    raise AssertionError(f"{ours} has no other end here")
