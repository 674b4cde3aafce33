"""Clients that end their side behind a whole request (RFC 9112 §9.6): they get their answers."""

import contextlib
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from http2_frames import (
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    NO_ERROR,
    RST_STREAM,
    Http2,
    frame,
    request,
)
from http2_frames import get as get_over_2
from upstreams import Behaviour, Received, Visit, plain_response, says
from waiting import wait_until
from web import NAME, close_notify, fin, read_answer, web_before

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
POST = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 3\r\n\r\nabc"


def both(tls: ssl.SSLSocket) -> None:
    close_notify(tls)
    fin(tls)


ENDS = pytest.mark.parametrize("end", [fin, close_notify, both])
Ending = Callable[[ssl.SSLSocket], None]


def late(body: bytes = b"late") -> Behaviour:
    """Answer when the edge has had the time to take the client for gone, and has not."""

    def answer(visit: Visit, received: Received) -> None:
        visit.body(received)
        visit.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            visit.socket.recv(1)
        visit.socket.settimeout(20)
        visit.send(plain_response(body))

    return answer


@ENDS
@pytest.mark.parametrize("sent", [GET, POST], ids=["get", "post"])
def test_a_whole_request_is_answered(tmp_path: Path, end: Ending, sent: str) -> None:
    """However the client says that nothing follows, and however long its server takes."""
    with web_before(tmp_path, late()) as (web, _), web.connected() as tls:
        tls.sendall(sent.encode())
        end(tls)
        assert read_answer(tls).body == b"late"
        with contextlib.suppress(ssl.SSLError):
            assert tls.recv(1) == b""
        assert web.edge.stats()["upstream"]["failures"] == {}


@ENDS
def test_whole_requests_behind_it_are_answered_too(tmp_path: Path, end: Ending) -> None:
    """What was asked before the end is answered in turn; half a request is none."""
    with web_before(tmp_path, late()) as (web, upstream), web.connected() as tls:
        tls.sendall(f"{GET}{POST}{GET}{GET[:-2]}".encode())
        end(tls)
        assert [read_answer(tls).body for _ in range(3)] == [b"late"] * 3
        with contextlib.suppress(ssl.SSLError):
            assert tls.recv(1) == b""
    assert [it.line for it in upstream.requests] == ["GET / HTTP/1.1", "POST / HTTP/1.1", "GET / HTTP/1.1"]


@ENDS
def test_an_answer_under_way_arrives(tmp_path: Path, end: Ending) -> None:
    """An end in the middle of an answer that goes on takes nothing from it."""
    turn = threading.Event()

    def answer(visit: Visit, received: Received) -> None:
        visit.body(received)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 600000\r\n\r\nabc")
        assert turn.wait(20)
        visit.send(b"x" * 599_997)

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        tls.sendall(GET.encode())
        wait_until(lambda: tls.recv(4096).endswith(b"abc"))
        end(tls)
        turn.set()
        left = 599_997
        while left and (piece := tls.recv(65536)):
            left -= len(piece)
        assert left == 0


def paused(visit: Visit, received: Received) -> None:
    """Say nothing for longer than any guess about the client would wait: before the answer, or in it."""
    visit.body(received)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nevent"
    visit.send(head if received.path == "/in" else b"")
    visit.socket.settimeout(2.3)
    with pytest.raises(TimeoutError):
        visit.socket.recv(1)
    visit.send(b"more" if received.path == "/in" else head + b"more")


def test_a_pause_of_the_server_takes_nothing(tmp_path: Path) -> None:
    """Server-sent events go on behind a client's end, and nothing but the answer is ever sent."""
    with web_before(tmp_path, paused) as (web, _), contextlib.ExitStack() as stack:
        clients = []
        for end in (fin, close_notify, both):
            for path in ("/in", "/before"):
                tls = stack.enter_context(web.connected())
                tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
                begun = read_to(tls, b"event") if path == "/in" else b""
                end(tls)
                clients.append((tls, begun))
        for tls, begun in clients:
            answer = begun + read_to(tls, b"more")
            assert (answer[:15], answer[-9:]) == (b"HTTP/1.1 200 OK", b"eventmore")
        assert web.edge.stats()["upstream"]["failures"] == {}


def read_to(tls: ssl.SSLSocket, last: bytes) -> bytes:
    """Read up to these bytes."""
    received = b""
    while not received.endswith(last):
        piece = tls.recv(4096)
        assert piece, f"the connection ended after {received!r}"
        received += piece
    return received


CUT = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n"
CHUNKS = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"


@ENDS
@pytest.mark.parametrize("sent", [CUT, CUT + "abc", CHUNKS], ids=["head", "piece", "no-last-line"])
def test_an_answer_to_a_part_of_a_request_arrives(tmp_path: Path, end: Ending, sent: str) -> None:
    """What a server says to a request that ends in its body is passed on, and the server learns the end."""
    ends: list[bytes] = []

    def answer(visit: Visit, _received: Received) -> None:
        ends.append(visit.file.read()[-1:])
        visit.send(plain_response(b"early", status="401 Unauthorized"))

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        tls.sendall(sent.encode())
        end(tls)
        answered = read_answer(tls)
        assert (answered.status, answered.body) == (401, b"early")
        assert web.edge.stats()["upstream"]["failures"] == {}
    assert len(ends) == 1


@ENDS
def test_who_ends_in_the_middle_of_a_request_is_told(tmp_path: Path, end: Ending) -> None:
    """Where the server says nothing to it, the fault is the client's, and has an answer."""
    with web_before(tmp_path, says(b"never")) as (web, upstream):
        with web.connected() as tls:
            tls.sendall(f"{CUT}abc".encode())
            end(tls)
            assert read_answer(tls).status == 400
        web.edge.wait_event("request_refused", site=NAME, reason="body_malformed", status=400)
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}


@pytest.mark.machine
@ENDS
def test_a_silent_server_is_not_blamed_for_half_a_request(tmp_path: Path, end: Ending) -> None:
    """A server that does not mind the end is left when the time for bodies is over."""

    def silence(visit: Visit, _received: Received) -> None:
        visit.file.read()
        visit.wait(lambda: False)

    with web_before(tmp_path, silence, body_timeout_ms=300) as (web, _), web.connected() as tls:
        tls.sendall(f"{CUT}abc".encode())
        end(tls)
        assert read_answer(tls).status == 400
        assert web.edge.stats()["upstream"]["failures"] == {}


def test_whole_requests_over_http_2_are_answered(tmp_path: Path) -> None:
    """The edge says that it takes no more, answers what is whole, and breaks off what never will be."""
    with web_before(tmp_path, late()) as (web, _), web.connected(NAME, "h2") as tls:
        client = Http2(tls)
        client.greet()
        post = frame(HEADERS, END_HEADERS, 3, request(method="POST")) + frame(DATA, END_STREAM, 3, b"abc")
        endless = frame(HEADERS, END_HEADERS, 5, request(method="POST"))
        client.send(get_over_2(1), post, endless)
        fin(tls)
        client.wait_end()
        answers = {it.stream: it.payload for it in client.seen if it.kind == DATA}
        assert answers == {1: b"late", 3: b"late"}
        assert [it.stream for it in client.seen if it.kind == RST_STREAM] == [5]
        (goodbye,) = [it for it in client.seen if it.kind == GOAWAY]
        assert (goodbye.payload[:4], goodbye.code) == ((5).to_bytes(4), NO_ERROR)


@pytest.mark.parametrize("end", [lambda _: None, close_notify], ids=["cut", "close_notify"])
def test_who_ends_both_sides_is_gone(tmp_path: Path, end: Ending) -> None:
    """When only the kernel is left of a client of HTTP/2, a PING tells, and its server's work ends."""

    def silence(visit: Visit, received: Received) -> None:
        visit.body(received)
        visit.socket.recv(1)

    with web_before(tmp_path, silence) as (web, upstream):
        with web.connected(NAME, "h2") as tls:
            client = Http2(tls)
            client.greet()
            client.send(get_over_2(1))
            wait_until(lambda: upstream.requests)
            end(tls)
        wait_until(lambda: upstream.ended == [1])
        wait_until(lambda: web.edge.stats()["connections"]["open"] == 0)
        assert web.edge.stats()["upstream"]["failures"] == {}
