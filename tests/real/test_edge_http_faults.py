"""Servers that fail and clients that misbehave: what the other side and the events are told."""

import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from upstreams import (
    Received,
    Visit,
    deaf_server,
    plain_response,
    running_upstream,
    says,
    says_raw,
)
from web import NAME, read_answer, running_web, web_before

from port443.core.plan.snapshot import Pool, Server
from waiting import wait_until

HTTP = pytest.mark.parametrize("version", ["--http1.1", "--http2"])
GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n"


def free_server() -> Server:
    """Return an address where nothing listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return Server(*sock.getsockname())


@HTTP
def test_a_server_that_refuses_gives_502(tmp_path: Path, version: str) -> None:
    """A page says that the server cannot be reached, and events name it and its state's edges."""
    server = free_server()
    label = f"{server.host}:{server.port}"
    with running_web(tmp_path, server) as web:
        answers = [web.get(version) for _ in range(2)]
        assert [(it.status, it.value("cache-control")) for it in answers] == [(502, "no-store")] * 2
        assert answers[0].body == b"502 Bad Gateway\nThe server behind this site cannot be reached.\n"
        failed = web.edge.wait_event("upstream_failed", site=NAME, pool=NAME, server=label)
        assert (failed["reason"], failed["status"]) == ("connect_refused", 502)
        web.edge.wait_event("upstream_went_down", pool=NAME, server=label, reason="connect_refused")
        assert web.edge.stats()["upstream"]["failures"] == {"connect_refused": 2}
        with running_upstream(says(b"back"), port=server.port):
            assert web.get(version).body == b"back"
        web.edge.wait_event("upstream_came_back", pool=NAME, server=label)


@HTTP
def test_another_server_stands_in(tmp_path: Path, version: str) -> None:
    """While one server of a pool is down no request fails, and it is told once."""
    dead = free_server()
    with running_upstream(says(b"alive")) as alive, running_web(tmp_path, dead, alive.server) as web:
        assert [web.get(version).body for _ in range(6)] == [b"alive"] * 6
        assert web.edge.stats()["upstream"]["failures"] == {}
        web.edge.wait_event("upstream_went_down", server=f"{dead.host}:{dead.port}")


def test_a_server_that_does_not_answer_the_call_gives_504_and_then_503(tmp_path: Path) -> None:
    """The first client waits for the connection; while one waits in vain, others are told at once."""
    with (
        deaf_server() as deaf,
        running_web(tmp_path, pool=Pool(NAME, (deaf,), connect_timeout_ms=2000)) as web,
    ):
        first = web.get("--http1.1")
        assert (first.status, b"did not answer in time" in first.body) == (504, True)
        web.edge.wait_event("upstream_failed", reason="connect_timeout", status=504)
        # Enough of them that some come while others have been waiting for a while.
        with ThreadPoolExecutor(32) as crowd:
            answers = list(crowd.map(lambda _: web.get("--http1.1"), range(32)))
        assert {503, 504} == {answer.status for answer in answers}
        unavailable = next(answer for answer in answers if answer.status == 503)
        assert unavailable.body == b"503 Service Unavailable\nNo server behind this site is available.\n"
        web.edge.wait_event("upstream_failed", reason="no_server", status=503)


@HTTP
def test_a_silent_server_gives_504(tmp_path: Path, version: str) -> None:
    """A response that does not begin in time is given up, and its connection ended."""
    silence = threading.Event()

    def answer(_visit: Visit, _request: Received) -> None:
        silence.wait(20)

    with (
        running_upstream(answer) as upstream,
        running_web(tmp_path, pool=Pool(NAME, (upstream.server,), response_timeout_ms=200)) as web,
    ):
        assert web.get(version).status == 504
        web.edge.wait_event("upstream_failed", reason="response_timeout", status=504)
        assert web.edge.stats()["upstream"]["connections_open"] == 0
        silence.set()


@HTTP
@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"", "closed_early"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "closed_early"),
        (b"SSH-2.0-OpenSSH\r\n", "response_malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "response_malformed"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "response_malformed"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", "response_malformed"),
    ],
    ids=["nothing", "half", "no_http", "two_lengths", "unasked_upgrade", "too_large"],
)
def test_a_server_without_a_proper_answer_gives_502(
    tmp_path: Path, version: str, response: bytes, reason: str
) -> None:
    """What is no response is not passed on; the client gets a page instead."""
    with web_before(tmp_path, says_raw(response, closes=True)) as (web, _):
        assert web.get(version).status == 502
        web.edge.wait_event("upstream_failed", reason=reason, status=502)


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize(("version", "curl_says"), [("--http1.1", {18, 56}), ("--http2", {92})])
def test_a_body_that_breaks_off_is_seen_to_be_broken(
    tmp_path: Path, version: str, curl_says: set[int], framing: str
) -> None:
    """A server that dies in the middle of a body never makes a short one look whole."""
    response = f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + b"3\r\nabc\r\n"
    with web_before(tmp_path, says_raw(response, closes=True)) as (web, _):
        assert web.curl(version, check=False).returncode in curl_says
        web.edge.wait_event("upstream_failed", reason="closed_early", status=0)


def test_a_body_that_breaks_off_is_seen_by_http_1_0_too(tmp_path: Path) -> None:
    """Where only the connection's end ends the body, TLS tells a cut from an end."""
    response = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    with web_before(tmp_path, says_raw(response, closes=True)) as (web, _), web.connected() as tls:
        tls.sendall(f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n".encode())
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            read_answer(tls)


def test_a_body_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    """A server that stops in the middle of a body is left after the body's time-out."""
    silence = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        silence.wait(20)

    limits = {"body_timeout_ms": 200}
    with web_before(tmp_path, answer, **limits) as (web, _):
        assert web.curl("--http1.1", check=False).returncode != 0
        web.edge.wait_event("upstream_failed", reason="body_timeout", status=0)
        silence.set()


def test_a_lost_request_is_sent_again_only_where_that_is_safe(tmp_path: Path) -> None:
    """A GET that got lost on a warm connection is repeated; a POST is not."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        if visit.number % 2 and len([it for it in upstream.requests if it.connection == visit.number]) == 2:
            visit.close()
        else:
            visit.send(plain_response(request.line.encode()))

    with web_before(tmp_path, answer) as (web, upstream):
        assert [web.get("--http1.1").status for _ in range(2)] == [200, 200]
        assert [request.connection for request in upstream.requests] == [1, 1, 2]
        upstream.visits[1].close()
        wait_until(lambda: web.edge.stats()["upstream"]["connections_open"] == 0)
        assert [web.get("--http1.1", "-d", "x").status for _ in range(2)] == [200, 502]
        assert len(upstream.requests) == 5


@HTTP
def test_a_client_that_leaves_cancels_its_request(tmp_path: Path, version: str) -> None:
    """When nobody waits for an answer any more, the server's connection ends."""
    hung_up = threading.Event()

    def answer(visit: Visit, _request: Received) -> None:
        assert visit.socket.recv(1) == b""
        hung_up.set()

    with web_before(tmp_path, answer) as (web, _):
        assert web.curl(version, "--max-time", "0.3", check=False).returncode == 28
        assert hung_up.wait(10)
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


def test_draining_ends_connections_politely(tmp_path: Path) -> None:
    """An idle connection is closed, and a running request gets its answer with `close`."""
    turn = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        assert turn.wait(20)
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
        assert web.edge.process.wait(10) == 0


def test_a_slow_reader_holds_the_server_back(tmp_path: Path) -> None:
    """While a client does not read, the edge reads no further from the server."""
    sent = 0
    block = bytes(1 << 16)

    def answer(visit: Visit, request: Received) -> None:
        nonlocal sent
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n")
        for _ in range(1600):
            visit.send(block)
            sent += len(block)

    with web_before(tmp_path, answer) as (web, _):
        before = web.edge.stats()["memory"]["resident_bytes"]
        with web.connected() as tls:
            tls.sendall(GET.encode())
            assert tls.recv(1)
            wait_until(_is_still(lambda: sent))
            assert sent < 50 << 20
            assert web.edge.stats()["memory"]["resident_bytes"] - before < 4 << 20


def _is_still(value: Callable[[], int]) -> Callable[[], bool]:
    """Make a condition that holds when a value was the same at forty looks in a row."""
    looks: list[int] = []

    def condition() -> bool:
        looks.append(value())
        return len(looks) >= 40 and len(set(looks[-40:])) == 1

    return condition
