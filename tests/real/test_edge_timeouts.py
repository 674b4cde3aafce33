"""Time-outs of a site of its own, on the real edge, and what no time-out ends."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from port443.core.contract.snapshot import Limits
from port443.core.plan.planner import timeouts_of
from upstreams import Behaviour, Received, Visit, says
from web import DEADLINE_S, NAME, Web, client_context, read_answer, web_before

pytestmark = pytest.mark.machine

GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
POST = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\nhalf".encode()
UPGRADE = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
SHORT_MS = 200


@contextlib.contextmanager
def site_with(directory: Path, behaviour: Behaviour, **own: int | None) -> Iterator[Web]:
    """Run a site with time-outs of its own; those of all sites are so long that no test sees their end."""
    with web_before(directory, behaviour, request_timeout_ms=600_000) as (web, _):
        (site,) = web.scene.sites
        timeouts = replace(timeouts_of(web.scene.limits), **own)  # type: ignore[arg-type]
        web.edge.apply(replace(web.scene, sites=(replace(site, timeouts=timeouts),)))
        yield web


def half_an_answer(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    visit.socket.recv(1)


def tunnel(visit: Visit, _request: Received) -> None:
    visit.send(SWITCHED)
    visit.socket.recv(1)


def events(visit: Visit, request: Received) -> None:
    """Send an event a moment, for four times as long as any silence is borne."""
    visit.body(request)
    visit.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    moment = threading.Event()
    for _ in range(16):
        moment.wait(SHORT_MS / 4 / 1000)
        visit.send(b"6\r\n: hi\n\n\r\n")
    visit.send(b"0\r\n\r\n")


def ends(tls: ssl.SSLSocket) -> bool:
    """Wait for the end of a connection."""
    with contextlib.suppress(ssl.SSLEOFError, ConnectionResetError):
        while tls.recv(4096):
            pass
    return True


def test_a_request_has_no_end_of_its_own_unless_it_is_given_one() -> None:
    assert Limits().request_timeout_ms is None


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_what_flows_is_not_timed_out(tmp_path: Path, version: str) -> None:
    """Server-sent events go on beyond every time-out for a silence, where requests have no end."""
    short = dict.fromkeys(
        ("body_timeout_ms", "idle_timeout_ms", "header_timeout_ms", "tunnel_timeout_ms"), SHORT_MS
    )
    with site_with(tmp_path, events, request_timeout_ms=None, **short) as web:
        assert web.get(version).body == b": hi\n\n" * 16


def test_a_site_has_its_own_end_of_a_request(tmp_path: Path) -> None:
    """Where the operator writes one down, it ends also what flows."""
    with site_with(tmp_path, events, request_timeout_ms=SHORT_MS) as web:
        assert web.curl("--http1.1", "-o", "/dev/null", check=False).returncode == 18
        web.edge.wait_event("request_refused", site=NAME, reason="request_timeout", status=0)


def test_a_site_has_its_own_wait_for_a_body(tmp_path: Path) -> None:
    """In both directions, and each is told by the one who was silent."""
    with site_with(tmp_path, half_an_answer, body_timeout_ms=SHORT_MS) as web, web.connected() as tls:
        tls.sendall(GET)
        assert ends(tls)
        web.edge.wait_event("upstream_failed", site=NAME, reason="body_timeout", status=0)
        with web.connected() as other:
            other.sendall(POST)
            assert read_answer(other).status == 408
            web.edge.wait_event("request_refused", site=NAME, reason="body_timeout", status=408)


def test_a_site_has_its_own_wait_for_a_header(tmp_path: Path) -> None:
    with site_with(tmp_path, says(b"here"), header_timeout_ms=SHORT_MS) as web, web.connected() as tls:
        tls.sendall(GET[:9])
        assert read_answer(tls).status == 408
        web.edge.wait_event("request_refused", site=NAME, reason="header_timeout", status=408)


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_a_site_has_its_own_wait_for_a_request(tmp_path: Path, alpn: str) -> None:
    with (
        site_with(tmp_path, says(b"here"), idle_timeout_ms=SHORT_MS, header_timeout_ms=SHORT_MS) as web,
        web.connected(NAME, alpn) as tls,
    ):
        assert ends(tls)


def test_a_site_has_its_own_wait_for_a_tunnel(tmp_path: Path) -> None:
    """A WebSocket on which nothing goes either way is taken for forgotten."""
    with site_with(tmp_path, tunnel, tunnel_timeout_ms=SHORT_MS) as web, web.connected() as tls:
        tls.sendall(UPGRADE)
        assert read_answer(tls).status == 101
        assert ends(tls)


def test_a_site_has_its_own_wait_for_a_handshake(tmp_path: Path) -> None:
    """A client that stops after its hello."""
    with (
        site_with(tmp_path, says(b"here"), handshake_timeout_ms=SHORT_MS) as web,
        socket.create_connection(("127.0.0.1", web.port), DEADLINE_S) as tcp,
    ):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(web).wrap_bio(incoming, outgoing, server_hostname=NAME)
        with contextlib.suppress(ssl.SSLWantReadError):
            tls.do_handshake()
        tcp.sendall(outgoing.read())
        event = web.edge.wait_event("handshake_failed", reason="timeout", server_name=NAME)
        assert "timeouts.handshake" in event["detail"]
