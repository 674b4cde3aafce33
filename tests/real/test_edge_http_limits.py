"""Clients that misbehave, dawdle or leave, and what the edge spends on them."""

import socket
import ssl
import threading
from pathlib import Path

import pytest

from port443.core.contract.snapshot import Pool
from slow_peers import client, is_held_back
from upstreams import Received, Visit, plain_response, running_upstream, says
from waiting import HANG_S, wait_until
from web import NAME, client_context, read_answer, running_web, web_before

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n"


@pytest.mark.machine
def test_a_client_that_leaves_cancels_its_request(tmp_path: Path) -> None:
    """When nobody waits for an answer any more, the server's connection ends.

    In HTTP/1.1 an end alone does not tell that: see test_edge_http_leaving.
    """

    def answer(visit: Visit, _request: Received) -> None:
        assert visit.socket.recv(1) == b""

    with web_before(tmp_path, answer) as (web, upstream):
        with web.curl_running("--http2"):
            wait_until(lambda: upstream.requests)
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}


@pytest.mark.parametrize(
    ("request_text", "status", "reason"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400, "host_missing"),
        (f"GET / HTTP/1.1\r\nHost: {NAME}\r\nA : b\r\n\r\n", 400, "space_before_colon"),
        (
            f"{GET[:-2]}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "length_with_transfer_encoding",
        ),
        (
            f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
            "body_malformed",
        ),
        (f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX: {'y' * 70000}\r\n\r\n", 431, "fields_too_large"),
        (f"GET /{'y' * 20000} HTTP/1.1\r\nHost: {NAME}\r\n\r\n", 414, "target_too_long"),
        (
            f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            501,
            "transfer_coding_unsupported",
        ),
    ],
)
def test_bad_requests_are_refused_with_their_reason(
    tmp_path: Path, request_text: str, status: int, reason: str
) -> None:
    """A request that can be read in two ways gets an error, an event, and the connection's end."""
    with web_before(tmp_path, says(b"")) as (web, upstream):
        answer = web.ask(request_text)
        assert (status, "close") == (answer.status, answer.value("connection"))
        web.edge.wait_event("request_refused", site=NAME, reason=reason, status=status)
        assert [request for request in upstream.requests if request.digest] == []


@pytest.mark.machine
@pytest.mark.parametrize(
    ("sent", "status", "reason"),
    [("GET / HTT", 408, "header_timeout"), (f"{GET[:-2]}Content-Length: 9\r\n\r\nabc", 408, "body_timeout")],
)
def test_slow_clients_are_given_up(tmp_path: Path, sent: str, status: int, reason: str) -> None:
    """A header or body that does not come in time is answered with 408."""
    limits = {"header_timeout_ms": 200, "body_timeout_ms": 200}
    with (
        running_upstream(says(b"")) as upstream,
        running_web(tmp_path, upstream.server, limits=limits) as web,
    ):
        assert status == web.ask(sent).status
        web.edge.wait_event("request_refused", site=NAME, reason=reason, status=status)


@pytest.mark.machine
def test_idle_connections_end(tmp_path: Path) -> None:
    """A silent client is left after the idle time, and a warm server connection after the pool's."""
    limits = {"idle_timeout_ms": 200}
    with (
        running_upstream(says(b"")) as upstream,
        running_web(tmp_path, pool=Pool(NAME, (upstream.server,), idle_timeout_ms=200), limits=limits) as web,
        web.connected() as tls,
    ):
        tls.sendall(GET.encode())
        assert read_answer(tls).status == 200
        assert tls.recv(1) == b""
        wait_until(lambda: upstream.ended == [1])


@pytest.mark.machine
def test_draining_ends_connections_politely(tmp_path: Path) -> None:
    """An idle connection is closed, and a running request gets its answer with `close`."""
    turn = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.wait(turn.is_set)
        visit.send(plain_response(b"late"))

    with web_before(tmp_path, answer) as (web, upstream):
        with web.connected() as idle, web.connected() as busy:
            busy.sendall(GET.encode())
            wait_until(lambda: upstream.requests)
            web.edge.request("drain", timeout_ms=20000)
            assert idle.recv(1) == b""
            turn.set()
            answered = read_answer(busy)
            assert (answered.body, answered.value("connection")) == (b"late", "close")
            assert busy.recv(1) == b""
        assert web.edge.process.wait(HANG_S) == 0


@pytest.mark.machine
def test_a_slow_reader_holds_the_server_back(tmp_path: Path) -> None:
    """While a client does not read, the edge reads no further from a server that never ends."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
        while True:
            visit.send(bytes(1 << 16))

    with (
        web_before(tmp_path, answer) as (web, upstream),
        client(web, client_context(web), GET.encode()) as tls,
    ):
        assert tls.recv(1)
        wait_until(lambda: is_held_back(web, upstream.visits[0].socket))


@pytest.mark.machine
def test_a_client_that_stops_in_its_body_is_to_blame_in_the_answer_too(tmp_path: Path) -> None:
    """Where both bodies run at once, a server that waits for the client is not the silent one."""

    def answer(visit: Visit, request: Received) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        visit.body(request)

    with web_before(tmp_path, answer, body_timeout_ms=200) as (web, upstream):
        with web.connected() as tls:
            tls.sendall(f"{GET[:-2]}Content-Length: 9\r\n\r\nabc".encode())
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                read_answer(tls)
        web.edge.wait_event("request_refused", site=NAME, reason="body_timeout", status=0)
        assert web.edge.stats()["upstream"]["failures"] == {}
        wait_until(lambda: upstream.ended == [1])


@pytest.mark.machine
@pytest.mark.slow
@pytest.mark.parametrize("split", [(b"\r\n",), (b"\r", b"\n")])
def test_an_empty_line_behind_a_request_is_no_request(tmp_path: Path, split: tuple[bytes, ...]) -> None:
    """A client that ends its body by a line end of its own is idle, and may ask again or be left so."""
    body = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1\r\n\r\nx".encode()
    limits = {"header_timeout_ms": 600, "idle_timeout_ms": 1500}
    with web_before(tmp_path, says(b""), **limits) as (web, _):
        with web.connected() as tls:
            for _ in range(2):
                tls.sendall(body)
                assert read_answer(tls).status == 200
                for piece in split:
                    tls.sendall(piece)
            # The second one's line stays the last word: an idle connection ends without any.
            assert tls.recv(1) == b""
        assert web.edge.stats()["requests"] == [{"site": NAME, "status_class": "2xx", "count": 2}]


def test_a_few_empty_lines_are_enough(tmp_path: Path) -> None:
    """More of them are refused, whether they come at once or one by one."""
    with web_before(tmp_path, says(b"")) as (web, _):
        for lines in (1, 2, 4):
            assert web.ask("\r\n" * lines + GET).status == 200
        assert web.ask("\r\n" * 5 + GET).status == 400
        with web.connected() as tls:
            tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(9):
                tls.sendall(b"\r\n")
            assert read_answer(tls).status == 400
