"""A reader that takes next to nothing costs the edge a small, fixed amount of memory."""

import contextlib
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from web import NAME, PATIENCE_S, Web, client_context, running_web

from port443.core.plan.snapshot import Server
from waiting import wait_until

READERS = 500
MOST_BYTES = 32 << 20
BODY_BYTES = 100 << 20
RECEIVE_BUFFER_BYTES = 4096
BLOCK = b"x" * (1 << 16)
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
STRANGERS = {
    "connections_per_address": READERS,
    "handshakes_per_second": READERS,
    "handshakes_burst": READERS,
}


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
        self._thread.join(PATIENCE_S)
        for sock in (*self._open, self._listener, self._ended, self._end):
            sock.close()
        self._selector.close()


@contextlib.contextmanager
def reader(web: Web, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Open a connection whose small receive buffer fills at once, and ask."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        raw.settimeout(PATIENCE_S)
        raw.connect(("127.0.0.1", web.port))
        with context.wrap_socket(raw, server_hostname=NAME) as tls:
            tls.sendall(GET)
            assert tls.recv(1) == b"H"
            yield tls


def resident(web: Web) -> int:
    memory: int = web.edge.stats()["memory"]["resident_bytes"]
    return memory


def stands_still(web: Web) -> bool:
    """Whether nothing more has gone to the readers between two looks."""
    return bool(web.edge.stats()["bytes"]["sent"] == web.edge.stats()["bytes"]["sent"])


def test_slow_readers_hold_little_each(tmp_path: Path) -> None:
    """500 readers that take a byte at a time of 100 MiB each cost less than 32 MiB in all."""
    with Source() as source, running_web(tmp_path, source.server, limits=STRANGERS) as web:
        context = client_context(web)
        before = resident(web)
        with contextlib.ExitStack() as held:
            readers = [held.enter_context(reader(web, context)) for _ in range(READERS)]
            for tls in readers:
                assert tls.recv(1) == b"T"
            wait_until(lambda: stands_still(web))
            assert web.edge.stats()["connections"]["open"] == READERS
            grown = resident(web) - before
            assert grown < MOST_BYTES, f"{grown / (1 << 20):.1f} MiB for {READERS} readers"
