"""Clients that leave an HTTP/1 connection, at whatever point: nothing goes on that nobody waits for."""

from pathlib import Path

import pytest
from upstreams import Received, Visit
from web import NAME, web_before

from waiting import wait_until

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
        wait_until(lambda: upstream.ended == [1])
        assert web.edge.stats()["upstream"]["failures"] == {}
    assert [request.path for request in upstream.requests] == ["/first"]
