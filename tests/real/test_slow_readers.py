"""Who takes or brings next to nothing costs the edge a small, fixed amount of memory."""

import contextlib
import functools
import os
import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest
from http2_frames import PREFACE, WINDOW_UPDATE, frame, get, settings
from web import NAME, PATIENCE_S, Web, client_context, running_web

from port443.core.plan.snapshot import Server
from waiting import wait_until

CLIENTS = int(os.environ.get("SLOW_CLIENTS", "300"))
"""With 2,000 the kernel's memory for TCP runs short and other tests fail: those are for a run alone."""
MOST_BYTES = (64 << 20) * CLIENTS // 2000 + (16 << 20) * (CLIENTS < 2000)
"""64 MiB in all for 2,000; fewer have their share, and what the edge has of itself."""
STAND_STILL_S = 90.0
"""How long one of so many may wait for its turn on a busy machine."""
ROUNDS = 3
"""How often each takes a byte: a second is longer than what they come to lasts."""
BODY_BYTES = 100 << 20
RECEIVE_BUFFER_BYTES = 4096
BLOCK = b"x" * (1 << 16)
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
WIDEST = (1 << 31) - 1
ASKING = {
    "http/1.1": f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode(),
    # Windows as wide as they get: nothing but the reading holds the response back.
    "h2": PREFACE
    + settings(initial_window_size=WIDEST)
    + frame(WINDOW_UPDATE, payload=(WIDEST - 65535).to_bytes(4, "big"))
    + get(1),
}
STRANGERS = {
    "connections_per_address": CLIENTS,
    "handshakes_per_second": CLIENTS,
    "handshakes_burst": CLIENTS,
    "body_timeout_ms": 600_000,
    "request_timeout_ms": 600_000,
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


class Sink(Source):
    """A server that reads what comes, and never answers."""

    def _begin(self, connection: socket.socket) -> None:
        if not connection.recv(1 << 16):
            self._selector.unregister(connection)


@contextlib.contextmanager
def client(web: Web, context: ssl.SSLContext, asking: bytes) -> Iterator[ssl.SSLSocket]:
    """Open a connection whose small receive buffer fills at once, and ask."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        raw.settimeout(STAND_STILL_S)
        raw.connect(("127.0.0.1", web.port))
        with context.wrap_socket(raw, server_hostname=NAME) as tls:
            tls.sendall(asking)
            yield tls


def resident(web: Web) -> int:
    memory: int = web.edge.stats()["memory"]["resident_bytes"]
    return memory


def stands_still(web: Web) -> bool:
    """Whether nothing more has gone to the readers between two looks."""
    return bool(web.edge.stats()["bytes"]["sent"] == web.edge.stats()["bytes"]["sent"])


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("protocol", ASKING)
def test_slow_readers_hold_little_each(tmp_path: Path, protocol: str) -> None:
    """Clients that read a byte at a time of 100 MiB each leave the whole edge within its bound."""
    with Source() as source, running_web(tmp_path, source.server, limits=STRANGERS) as web:
        context = client_context(web, protocol)
        with contextlib.ExitStack() as held:
            readers = [held.enter_context(client(web, context, ASKING[protocol])) for _ in range(CLIENTS)]
            for _ in range(ROUNDS):
                assert all(tls.recv(1) for tls in readers)
                wait_until(lambda: stands_still(web))
                assert web.edge.stats()["connections"]["open"] == CLIENTS
                assert resident(web) < MOST_BYTES, f"{resident(web) / (1 << 20):.1f} MiB"


def has_brought(web: Web, whole: int) -> bool:
    """Whether so many bytes have come from all clients together."""
    return bool(web.edge.stats()["bytes"]["received"] >= whole)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_slow_writers_hold_little_each(tmp_path: Path) -> None:
    """Clients that bring a byte at a time of 100 MiB each leave the whole edge within its bound."""
    head = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode()
    with Sink() as sink, running_web(tmp_path, sink.server, limits=STRANGERS) as web:
        context = client_context(web)
        with contextlib.ExitStack() as held:
            writers = [held.enter_context(client(web, context, head)) for _ in range(CLIENTS)]
            for brought in range(1, ROUNDS + 1):
                for tls in writers:
                    tls.sendall(b"x")
                whole = CLIENTS * (len(head) + brought)
                wait_until(functools.partial(has_brought, web, whole))
                assert web.edge.stats()["connections"]["open"] == CLIENTS
                assert resident(web) < MOST_BYTES, f"{resident(web) / (1 << 20):.1f} MiB"
