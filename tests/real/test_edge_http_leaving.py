"""Clients that leave an HTTP/1 connection, at whatever point: nothing goes on that nobody waits for."""

import socket
import ssl
import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from http2_frames import PREFACE, settings
from http2_frames import get as get_over_2
from port443.core.contract.snapshot import Pool
from upstreams import Received, Visit, deaf_server
from waiting import wait_until
from web import DEADLINE_S, NAME, Web, client_context, reset, running_web, web_before
from wrapping import wrapped

pytestmark = pytest.mark.machine

READ_AT_ONCE = 16 * 1024
"""What the edge reads from a client at a time, as long as that is enough."""


def get(path: str = "/", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {NAME}", *fields, "", ""]).encode()


def post(whole: int) -> bytes:
    """Return a request with a body that is so long in all."""
    body = whole - len(get("/first", "Content-Length: 10000", method="POST"))
    head = get("/first", f"Content-Length: {body}", method="POST")
    return head.ljust(whole, b"x")


def silence(visit: Visit, request: Received) -> None:
    """Say nothing until the connection ends."""
    visit.body(request)
    visit.socket.recv(1)


@pytest.mark.parametrize(
    "sent",
    [
        get("/first") + get("/second") * 400,
        post(READ_AT_ONCE - 10) + get("/second"),
        post(READ_AT_ONCE - 10) + get("/second") * 800,
    ],
    ids=["many-behind", "room-at-the-front", "both"],
)
def test_requests_behind_do_not_hide_the_end(tmp_path: Path, sent: bytes) -> None:
    """However a client fills the edge's buffer with what it asks next, its leaving is seen."""
    with web_before(tmp_path, silence) as (web, upstream):
        with web.connected() as tls:
            tls.sendall(sent)
            wait_until(lambda: upstream.requests)
            reset(tls)
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}
    assert [request.path for request in upstream.requests] == ["/first"]


@pytest.mark.parametrize("version", ["http/1.1", "h2"])
def test_nobody_connects_for_a_client_that_left(tmp_path: Path, version: str) -> None:
    """While a server does not answer the call, its client may hang up, and that is the end of it."""
    with (
        deaf_server() as deaf,
        running_web(tmp_path, pool=Pool(NAME, (deaf,), connect_timeout_ms=60_000)) as web,
    ):
        others = callers(deaf.port)
        with web.connected(NAME, version) as tls:
            tls.sendall(get() if version == "http/1.1" else PREFACE + settings() + get_over_2(1))
            wait_until(lambda: callers(deaf.port) > others)
            reset(tls)
        wait_until(lambda: callers(deaf.port) == others)
        assert web.edge.stats()["upstream"]["failures"] == {}


def callers(port: int) -> int:
    """Count the sockets on this machine whose call to a port has no answer yet (SYN_SENT)."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "02" for row in rows)


BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"


@pytest.mark.parametrize("begun", [b"", BEGUN], ids=["before-the-answer", "in-the-answer"])
def test_a_reset_is_seen_at_once(tmp_path: Path, begun: bytes) -> None:
    """A server that says nothing is not waited for when nobody else waits."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(begun)
        visit.socket.recv(1)

    with web_before(tmp_path, answer) as (web, upstream):
        with web.connected() as tls:
            tls.sendall(get())
            wait_until(lambda: upstream.requests)
            wait_until(lambda: not begun or tls.recv(4096).endswith(b"abc"))
            reset(tls)
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}


@pytest.mark.parametrize("begun", [b"", BEGUN], ids=["before-the-answer", "in-the-answer"])
def test_a_client_that_left_is_seen_at_the_next_write(tmp_path: Path, begun: bytes) -> None:
    """An end tells nothing, and what is sent to it afterwards comes back as a reset."""
    has_left = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(begun)
        visit.wait(has_left.is_set)
        visit.send(b"d" if begun else BEGUN)
        visit.socket.recv(1)

    with web_before(tmp_path, answer) as (web, upstream):
        with connected_over_tls_1_2(web) as tls:
            tls.sendall(get())
            wait_until(lambda: upstream.requests)
            wait_until(lambda: not begun or tls.recv(4096).endswith(b"abc"))
        has_left.set()
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}


def test_a_client_that_left_is_waited_for_no_longer_than_any_other(tmp_path: Path) -> None:
    """Where nothing is ever sent to it, the server's time-out ends what nobody reads."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(BEGUN)
        visit.socket.recv(1)

    with web_before(tmp_path, answer, body_timeout_ms=300) as (web, upstream):
        with connected_over_tls_1_2(web) as tls:
            tls.sendall(get())
            wait_until(lambda: tls.recv(4096).endswith(b"abc"))
        wait_until(lambda: upstream.ended == [1])
        wait_until(lambda: web.edge.stats()["connections"]["open"] == 0)


def connected_over_tls_1_2(web: Web) -> AbstractContextManager[ssl.SSLSocket]:
    """Connect so that no tickets are left unread: closing the socket sends an end, and no reset."""
    context = client_context(web)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return web.connected_by(context)


def test_a_client_that_stops_reading_is_left(tmp_path: Path) -> None:
    """Whoever takes nothing for the longest silence loses its answer, and the server is not blamed."""
    block = bytes(1 << 16)

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n")
        for _ in range(1 << 14):
            visit.send(block)

    with web_before(tmp_path, answer, body_timeout_ms=300) as (web, upstream), socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(DEADLINE_S)
        raw.connect(("127.0.0.1", web.port))
        with wrapped(client_context(web), raw, server_hostname=NAME) as tls:
            tls.sendall(get())
            assert tls.recv(1) == b"H"
            wait_until(lambda: upstream.ended == [1])
            wait_until(lambda: web.edge.stats()["connections"]["open"] == 0)
        assert web.edge.stats()["upstream"]["failures"] == {}
