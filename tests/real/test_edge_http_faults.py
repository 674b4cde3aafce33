"""Servers that fail: what clients and events are told, and who stands in."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from http2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, http2, request, status_of
from port443.core.contract.snapshot import Pool, Server
from upstreams import (
    Received,
    Visit,
    deaf_server,
    plain_response,
    running_upstream,
    says,
    says_raw,
)
from waiting import wait_until
from web import DEADLINE_S, NAME, Answer, Web, read_answer, running_web, web_before

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


@pytest.mark.machine
@HTTP
def test_a_name_without_an_address_gives_502_with_its_own_reason(tmp_path: Path, version: str) -> None:
    """Whether the resolver says no or nothing: it is the name that fails, and no connection."""
    pool = Pool(NAME, (Server("backend-x.invalid", 9000),), connect_timeout_ms=2000)
    with running_web(tmp_path, pool=pool) as web:
        answer = web.get(version)
        page = b"502 Bad Gateway\nThe name of the server behind this site has no address.\n"
        assert (answer.status, answer.body) == (502, page)
        blamed: dict[str, Any] = {"server": "backend-x.invalid:9000", "reason": "no_address"}
        web.edge.wait_event("upstream_failed", site=NAME, status=502, **blamed)
        web.edge.wait_event("upstream_went_down", pool=NAME, **blamed)
        assert web.edge.stats()["upstream"]["failures"] == {"no_address": 1}


@HTTP
def test_another_server_stands_in(tmp_path: Path, version: str) -> None:
    """While one server of a pool is down no request fails, and it is told once."""
    dead = free_server()
    with running_upstream(says(b"alive")) as alive, running_web(tmp_path, dead, alive.server) as web:
        assert [web.get(version).body for _ in range(6)] == [b"alive"] * 6
        assert web.edge.stats()["upstream"]["failures"] == {}
        web.edge.wait_event("upstream_went_down", server=f"{dead.host}:{dead.port}")


@pytest.mark.machine
def test_a_server_that_does_not_answer_the_call_gives_504_and_then_503(tmp_path: Path) -> None:
    """The first client waits for the connection; while one waits in vain, others are told at once."""
    with (
        deaf_server() as deaf,
        running_web(tmp_path, pool=Pool(NAME, (deaf,), connect_timeout_ms=2000)) as web,
    ):
        first = web.get("--http1.1")
        assert (first.status, b"did not respond in time" in first.body) == (504, True)
        web.edge.wait_event("upstream_failed", reason="connect_timeout", status=504)
        with contextlib.ExitStack() as held:
            unavailable = wait_until(_knock_until_refused(web, held))
        assert unavailable.status == 503
        assert unavailable.body == b"503 Service Unavailable\nNo server behind this site is available.\n"
        web.edge.wait_event("upstream_failed", reason="no_server", status=503)


@pytest.mark.machine
@HTTP
def test_a_silent_server_gives_504(tmp_path: Path, version: str) -> None:
    """A response that does not begin in time is given up, and its connection ended."""
    silence = threading.Event()

    def answer(visit: Visit, _request: Received) -> None:
        visit.wait(silence.is_set)

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
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n", "response_too_large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 129 + b"\r\n", "response_too_large"),
    ],
    ids=["nothing", "half", "no_http", "two_lengths", "unasked_upgrade", "too_large", "too_many"],
)
def test_a_server_without_a_proper_answer_gives_502(
    tmp_path: Path, version: str, response: bytes, reason: str
) -> None:
    """What is no response is not passed on; the client gets a page instead."""
    with web_before(tmp_path, says_raw(response, closes=True)) as (web, _):
        assert web.get(version).status == 502
        web.edge.wait_event("upstream_failed", reason=reason, status=502)


@HTTP
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"])
@pytest.mark.parametrize("body", [b"zz\r\nabc", b"3\r\nabcd\r\n", b"3\r\nabc\r\n-1\r\n", b"0\r\nbad\0"])
def test_a_bad_body_in_one_write_with_the_head_gives_502(
    tmp_path: Path, version: str, body: bytes, interim: bytes
) -> None:
    """While nothing of a response has left, the client gets a page instead, and one status counts."""
    response = interim + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n" + body
    with web_before(tmp_path, says_raw(response)) as (web, upstream):
        answers = [web.get(version) for _ in range(2)]
        for answer in answers:
            assert (answer.status, answer.values("x-a")) == (502, [])
            assert answer.body.endswith(b"sent a response that is not valid HTTP.\n")
        web.edge.wait_event("upstream_failed", reason="response_malformed", status=502)
        wait_until(lambda: len(upstream.ended) == upstream.connections)
        assert {it["status_class"] for it in web.edge.stats()["requests"]} == {"5xx"}


@pytest.mark.machine
def test_a_connection_goes_on_behind_an_answer_that_was_taken_back(tmp_path: Path) -> None:
    """The page is the answer to that request; those before and behind it have their own."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        if request.path == "/bad":
            visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        else:
            visit.send(plain_response(request.path.encode()))

    paths = ["/1", "/bad", "/2"]
    with web_before(tmp_path, answer) as (web, _):
        with web.connected() as tls:
            tls.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n" for path in paths).encode())
            assert [read_answer(tls).status for _ in paths] == [200, 502, 200]
        with http2(web) as client:
            heads = [request(path=path) for path in paths]
            client.send(
                *(frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * i, it) for i, it in enumerate(heads))
            )
            while sum(it.kind == DATA and it.flags & END_STREAM for it in client.seen) < len(paths):
                assert client.read()
        statuses = {it.stream: status_of(it.payload) for it in client.seen if it.kind == HEADERS}
        assert statuses == {1: 200, 3: 502, 5: 200}


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


@pytest.mark.machine
def test_a_body_that_falls_silent_is_given_up(tmp_path: Path) -> None:
    """A server that stops in the middle of a body is left after the body's time-out."""
    silence = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        visit.wait(silence.is_set)

    limits = {"body_timeout_ms": 200}
    with web_before(tmp_path, answer, **limits) as (web, _):
        assert web.curl("--http1.1", check=False).returncode != 0
        web.edge.wait_event("upstream_failed", reason="body_timeout", status=0)
        silence.set()


@pytest.mark.machine
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_a_reset_is_no_end_of_a_body(tmp_path: Path, version: str) -> None:
    """A response whose end would be its connection's is broken by a reset, and clients see that."""
    has_begun = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc")
        visit.wait(has_begun.is_set)
        visit.reset()

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        tls.sendall(f"GET / HTTP/{version}\r\nHost: {NAME}\r\n\r\n".encode())
        wait_until(lambda: b"abc" in tls.recv(4096))
        has_begun.set()
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            tls.recv(1)
        web.edge.wait_event("upstream_failed", reason="closed_early", status=0)


@pytest.mark.machine
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
        # To close it would wait for whoever reads from it.
        upstream.visits[1].socket.shutdown(socket.SHUT_RDWR)
        wait_until(lambda: web.edge.stats()["upstream"]["connections_open"] == 0)
        assert [web.get("--http1.1", "-d", "x").status for _ in range(2)] == [200, 502]
        assert len(upstream.requests) == 5


def _knock_until_refused(web: Web, held: contextlib.ExitStack) -> Callable[[], Answer | None]:
    """Make a condition that sends one request more at each look, and holds when one is answered."""
    waiting: list[ssl.SSLSocket] = []

    def condition() -> Answer | None:
        tls = held.enter_context(web.connected())
        tls.sendall(GET.encode())
        waiting.append(tls)
        answered, _, _ = select.select(waiting, [], [], 0)
        # A session ticket is no answer.
        return next(filter(None, map(_answer_within_reach, answered)), None)

    return condition


def _answer_within_reach(tls: ssl.SSLSocket) -> Answer | None:
    tls.settimeout(0)
    try:
        first = tls.recv(1)
    except ssl.SSLWantReadError:
        return None
    finally:
        tls.settimeout(DEADLINE_S)
    return read_answer(tls, first)
