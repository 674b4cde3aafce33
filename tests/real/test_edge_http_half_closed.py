"""Clients that end their side behind a whole request (RFC 9112 §9.6): they get their answers."""

import contextlib
import socket
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
from upstreams import Behaviour, Received, Visit, plain_response
from web import NAME, read_answer, web_before

from waiting import wait_until

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
POST = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 3\r\n\r\nabc"


def fin(tls: ssl.SSLSocket) -> None:
    """End the sending side of TCP, without a word of TLS."""
    socket.socket.shutdown(tls, socket.SHUT_WR)


def close_notify(tls: ssl.SSLSocket) -> None:
    """Say that no more comes, and do not wait for the same."""
    timeout = tls.gettimeout()
    tls.settimeout(0)
    with contextlib.suppress(ssl.SSLError):  # What the edge says meanwhile is read later, or never.
        tls.unwrap()
    tls.settimeout(timeout)


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
@pytest.mark.parametrize("version", ["http/1.1", "h2"])
def test_who_ends_both_sides_is_gone(tmp_path: Path, version: str, end: Ending) -> None:
    """When only the kernel is left of a client, its server's work ends."""

    def silence(visit: Visit, received: Received) -> None:
        visit.body(received)
        visit.socket.recv(1)

    with web_before(tmp_path, silence) as (web, upstream):
        with web.connected(NAME, version) as tls:
            if version == "h2":
                client = Http2(tls)
                client.greet()
                client.send(get_over_2(1))
            else:
                tls.sendall(GET.encode())
            wait_until(lambda: upstream.requests)
            end(tls)
        wait_until(lambda: upstream.ended == [1])
        wait_until(lambda: web.edge.stats()["connections"]["open"] == 0)
        assert web.edge.stats()["upstream"]["failures"] == {}
