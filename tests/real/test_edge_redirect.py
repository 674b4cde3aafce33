"""Port 80 of the real edge: requests for our hosts are sent to https, others nowhere."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from upstreams import running_upstream, says
from web import DEADLINE_S, NAME, Answer, Web, read_answer, running_web, web_before


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with web_before(tmp_path, says(b"")) as (web, _):
        yield web


def ask(web: Web, *requests: str) -> list[Answer]:
    """Send requests in clear on one connection, and read an answer to each."""
    with socket.create_connection(("127.0.0.1", web.clear_port), timeout=DEADLINE_S) as sock:
        answers = []
        for request in requests:
            sock.sendall(request.encode())
            answers.append(read_answer(sock))
        return answers


def get(target: str, host: str) -> str:
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"


def test_our_hosts_are_sent_to_https(web: Web) -> None:
    """Host and path stay, method and body too by 308, and the port is that of https."""
    plain, shouted, absolute = ask(
        web,
        get("/a/b?c=d", NAME),
        get("/", f"{NAME.upper()}:80"),
        f"GET http://{NAME} HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    )
    assert (308, f"https://{NAME}:{web.port}/a/b?c=d") == (plain.status, plain.value("location"))
    assert f"https://{NAME.upper()}:{web.port}/" == shouted.value("location")
    assert f"https://{NAME}:{web.port}/" == absolute.value("location")
    assert (plain.value("cache-control"), plain.values("strict-transport-security")) == ("no-store", [])


def test_the_default_port_is_left_out(web: Web) -> None:
    """A listener whose clients use port 443 names none."""
    listener = web.edge.listen("redirect", https_port=443)
    web.edge.apply(replace(web.scene, listeners=(*web.scene.listeners, listener)))
    address = ("127.0.0.1", int(listener.address.rpartition(":")[2]))
    with socket.create_connection(address, timeout=DEADLINE_S) as sock:
        sock.sendall(get("/x", NAME).encode())
        assert f"https://{NAME}/x" == read_answer(sock).value("location")


def test_a_cacheable_redirect_may_be_kept(tmp_path: Path) -> None:
    """A site whose name is public lets clients remember the way."""
    with (
        running_upstream(says(b"")) as upstream,
        running_web(tmp_path, upstream.server, redirect_cacheable=True) as web,
    ):
        assert ask(web, get("/", NAME))[0].values("cache-control") == []


def test_other_hosts_are_sent_nowhere(web: Web) -> None:
    """A host that is none of ours gets 421 and no location, and the connection goes on."""
    since = web.edge.last_event()
    other, own = ask(web, get("/", "evil.example"), get("/", NAME))
    assert (other.status, other.values("location"), own.status) == (421, [], 308)
    web.edge.wait_event("request_refused", since, reason="misdirected", status=421)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("\x16\x03\x01 hello\r\n", 400),
        (f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX: {'y' * 70000}\r\n\r\n", 431),
        (f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}\r\n\r\n", 501),
    ],
)
def test_what_is_no_request_is_refused(web: Web, request_text: str, status: int) -> None:
    """Bad requests get their status, a sentence, and the end of the connection."""
    (answer,) = ask(web, request_text)
    assert (status, "close") == (answer.status, answer.value("connection"))
    assert answer.body.startswith(str(status).encode())


def test_a_body_is_not_taken_for_the_next_request(web: Web) -> None:
    """What follows a redirected POST is its body, and the connection ends after the answer."""
    smuggled = get("/smuggled", NAME)
    post = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {len(smuggled)}\r\n\r\n{smuggled}"
    with socket.create_connection(("127.0.0.1", web.clear_port), timeout=DEADLINE_S) as sock:
        sock.sendall(post.encode())
        assert ((answer := read_answer(sock)).status, answer.value("connection")) == (308, "close")
        assert sock.recv(1) == b""


@pytest.mark.machine
def test_a_slow_header_ends_in_time(tmp_path: Path) -> None:
    """A client that never finishes its header gets 408."""
    limits = {"header_timeout_ms": 200}
    with (
        running_upstream(says(b"")) as upstream,
        running_web(tmp_path, upstream.server, limits=limits) as web,
    ):
        (answer,) = ask(web, "GET / HTTP/1.1\r\nHos")
    assert answer.status == 408
