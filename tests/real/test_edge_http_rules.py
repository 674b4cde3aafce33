"""HTTP/1.1 through the real edge, rule by rule: who may be asked again, what belongs to whom."""

import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from port443.core.contract.snapshot import Hsts
from upstreams import Received, Visit, plain_response, says, says_raw
from waiting import HANG_S, wait_until
from web import NAME, Web, read_answer, reset, web_before

OTHER = plain_response(b"poisoned")
READ_AT_ONCE = 16 * 1024
"""What the edge reads from a server at a time: a first answer may end just there."""


def get(path: str = "/", *fields: str, version: str = "1.1", method: str = "GET") -> str:
    return "\r\n".join([f"{method} {path} HTTP/{version}", f"Host: {NAME}", *fields, "", ""])


def own_path(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(request.path.encode()))


def connections(web: Web) -> int:
    count: int = web.edge.stats()["upstream"]["connections_open"]
    return count


@pytest.mark.parametrize(
    ("response", "closes", "again"),
    [
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False, 2),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", False, 1),
        (b"HTTP/1.0 200 OK\r\n\r\nok", True, 2),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", False, 2),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", False, 1),
    ],
    ids=["1.0", "1.0-keep-alive", "1.0-until-close", "1.1-close", "1.1"],
)
def test_servers_of_both_versions_keep_their_connection_or_end_it(
    tmp_path: Path, response: bytes, *, closes: bool, again: int
) -> None:
    """A server's word on its connection holds, and its client's connection goes on in any case."""
    with (
        web_before(tmp_path, says_raw(response, closes=closes)) as (web, upstream),
        web.connected() as tls,
    ):
        for _ in range(2):
            tls.sendall(get().encode())
            raw = b""
            while not raw.endswith((b"\r\n\r\nok", b"0\r\n\r\n")):
                raw += tls.recv(1)
            assert b"ok" in raw
    assert upstream.connections == again


def test_a_second_answer_reaches_nobody(tmp_path: Path) -> None:
    """What a server says between two requests ends its connection, whoever asks next."""
    turn = threading.Event()
    said = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        own_path(visit, request)
        if request.path == "/first":
            visit.wait(turn.is_set)
            visit.send(OTHER)
            said.set()

    with web_before(tmp_path, answer) as (web, upstream):
        for method in ("GET", "POST"):
            turn.clear()
            said.clear()
            assert web.ask(get("/first")).body == b"/first"
            turn.set()
            assert said.wait(HANG_S)
            assert web.ask(get("/next", "Content-Length: 0", method=method)).body == b"/next"
    assert [request.path for request in upstream.requests] == ["/first", "/next"] * 2


@pytest.mark.parametrize("spare", [-1, 0, 1, 46])
def test_a_second_answer_is_not_taken_for_that_of_a_pipelined_request(tmp_path: Path, spare: int) -> None:
    """Wherever the edge's reading stops between two answers, the request behind gets its own."""

    def answer(visit: Visit, request: Received) -> None:
        first = plain_response(b"/first", "X-Pad: ")
        pad = plain_response(b"/first", f"X-Pad: {'x' * (READ_AT_ONCE - len(first) - spare)}")
        visit.send(pad + OTHER if request.path == "/first" else plain_response(b"/next"))

    with web_before(tmp_path, answer) as (web, _):
        for _ in range(4):
            with web.connected() as tls:
                tls.sendall((get("/first") + get("/next")).encode())
                assert [read_answer(tls).body for _ in range(2)] == [b"/first", b"/next"]


def test_a_lost_request_is_repeated_once(tmp_path: Path) -> None:
    """When the second server connection fails as well, the client is told."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        if request.path == "/lost":
            visit.close()
        else:
            visit.send(plain_response(b"fine"))

    with web_before(tmp_path, answer) as (web, upstream):
        assert web.ask(get()).status == 200
        assert web.ask(get("/lost")).status == 502
        assert [request.connection for request in upstream.requests] == [1, 1, 2]
        # On a connection of its own it was not lost to a race, so it is not repeated at all.
        assert web.ask(get("/lost")).status == 502
        assert [request.connection for request in upstream.requests] == [1, 1, 2, 3]


def test_a_request_whose_answer_has_begun_is_not_repeated(tmp_path: Path) -> None:
    """One byte of an answer is an answer: the server has acted."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(plain_response(b"fine") if request.path == "/" else b"H")
        if request.path != "/":
            visit.close()

    with web_before(tmp_path, answer) as (web, upstream):
        assert [web.ask(get(path)).status for path in ("/", "/begun")] == [200, 502]
        assert [request.connection for request in upstream.requests] == [1, 1]


@pytest.mark.parametrize("method", ["POST", "PATCH", "M-SEARCH"])
def test_a_connection_that_has_ended_loses_no_request(tmp_path: Path, method: str) -> None:
    """What may not be sent twice is sent only on a connection that the kernel holds for alive."""

    def answer(visit: Visit, request: Received) -> None:
        own_path(visit, request)
        visit.close()

    with web_before(tmp_path, answer) as (web, upstream):
        for count in range(1, 21):
            assert web.ask(get("/", "Content-Length: 0", method=method)).status == 200
            wait_until(lambda count=count: len(upstream.ended) == count)  # type: ignore[misc]


def test_warm_connections_outlive_an_apply(tmp_path: Path) -> None:
    """A snapshot that leaves a pool as it is leaves its connections, too."""
    with web_before(tmp_path, own_path) as (web, upstream), web.connected() as tls:
        tls.sendall(get("/before").encode())
        assert read_answer(tls).body == b"/before"
        site = replace(web.scene.sites[0], hsts=Hsts((NAME,), 300, include_subdomains=False, preload=False))
        web.edge.apply(replace(web.scene, sites=(site,)))
        assert connections(web) == 1
        tls.sendall(get("/after").encode())
        after = read_answer(tls)
        assert (after.body, after.value("strict-transport-security")) == (b"/after", "max-age=300")
    assert upstream.connections == 1


def test_a_client_that_leaves_with_requests_behind_is_gone_all_the_same(tmp_path: Path) -> None:
    """Another request that waits already does not hide that nobody waits for the answers."""
    hung_up = threading.Event()

    def answer(visit: Visit, _request: Received) -> None:
        assert visit.socket.recv(1) == b""
        hung_up.set()

    with web_before(tmp_path, answer) as (web, upstream):
        with web.connected() as tls:
            tls.sendall((get("/first") + get("/second")).encode())
            wait_until(lambda: upstream.requests)
            reset(tls)
        assert hung_up.wait(HANG_S)
    assert [request.path for request in upstream.requests] == ["/first"]


def test_a_client_that_leaves_in_its_body_leaves_it_unfinished(tmp_path: Path) -> None:
    """A server never takes half a body for a whole one."""
    for framing in ("Content-Length: 9", "Transfer-Encoding: chunked"):
        with web_before(tmp_path, own_path) as (web, upstream):
            with web.connected() as tls:
                tls.sendall((get("/", framing, method="POST") + "5\r\nabc").encode())
                wait_until(lambda upstream=upstream: upstream.requests)  # type: ignore[misc]
            wait_until(lambda upstream=upstream: upstream.ended == [1])  # type: ignore[misc]
            assert [request.digest for request in upstream.requests] == [""]


def test_a_tunnel_ends_with_either_side(tmp_path: Path) -> None:
    """When the client or the server of a WebSocket leaves, the other one learns it."""
    left = threading.Event()
    asks = ("Connection: Upgrade", "Upgrade: websocket")

    def answer(visit: Visit, request: Received) -> None:
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        if request.path == "/server-leaves":
            visit.close()
        elif visit.socket.recv(1) == b"":
            left.set()

    with web_before(tmp_path, answer) as (web, _):
        with web.connected() as tls:
            tls.sendall(get("/server-leaves", *asks).encode())
            assert read_answer(tls).status == 101
            assert tls.recv(1) == b""
        with web.connected() as tls:
            tls.sendall(get("/client-leaves", *asks).encode())
            assert read_answer(tls).status == 101
        assert left.wait(HANG_S)
        wait_until(lambda: connections(web) == 0)


def test_an_upgrade_that_is_declined_is_a_plain_answer(tmp_path: Path) -> None:
    """Without 101 the connection speaks HTTP on, on both sides."""
    asks = ("Connection: Upgrade", "Upgrade: websocket")
    with web_before(tmp_path, says(b"no", status="426 Upgrade Required")) as (web, upstream):
        with web.connected() as tls:
            for _ in range(2):
                tls.sendall(get("/", *asks).encode())
                assert (answer := read_answer(tls)).status == 426
                assert answer.values("connection") == []
        assert upstream.connections == 1


def test_a_refused_expectation_is_the_answer(tmp_path: Path) -> None:
    """A server that declines to be sent a body says so, and nothing of it is read as a request."""

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(plain_response(b"", "Connection: close", status="417 Expectation Failed"))
        visit.close()

    with web_before(tmp_path, answer) as (web, upstream), web.connected() as tls:
        tls.sendall(get("/", "Expect: 100-continue", "Content-Length: 42").encode())
        assert ((answer_head := read_answer(tls)).status, answer_head.value("connection")) == (417, "close")
        tls.sendall(get("/smuggled").encode())
        assert tls.recv(1) == b""
    assert upstream.connections == 1


def test_interim_answers_have_a_bound(tmp_path: Path) -> None:
    """A server that promises an answer without end is given up."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        while True:
            visit.send(b"HTTP/1.1 102 Processing\r\n\r\n")

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        tls.sendall(get().encode())
        while (status := read_answer(tls).status) == 102:
            pass
        assert status == 502
        web.edge.wait_event("upstream_failed", reason="response_malformed", status=502)


def test_no_tunnel_is_made_for_http_1_0(tmp_path: Path) -> None:
    """HTTP/1.0 knows no Upgrade, so the server is not asked for one."""
    with web_before(tmp_path, own_path) as (web, upstream):
        web.ask(get("/", "Connection: Upgrade", "Upgrade: websocket", version="1.0"))
    assert upstream.requests[0].values("upgrade") == []


def test_empty_lines_are_counted_however_they_come(tmp_path: Path) -> None:
    """Each is read by itself, as they are not when they come at once: more than four are refused."""
    request = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
    with web_before(tmp_path, says(b"hello")) as (web, _):
        for lines, status in ((4, 200), (5, 400)):
            with web.connected() as tls:
                for _ in range(lines):
                    before = received(web)
                    tls.sendall(b"\r\n")
                    wait_until(partial(received_more, web, before))
                tls.sendall(request)
                assert read_answer(tls).status == status


def received(web: Web) -> int:
    """Return how many bytes clients have sent."""
    count: int = web.edge.stats()["bytes"]["received"]
    return count


def received_more(web: Web, before: int) -> bool:
    return received(web) > before
