"""What a client may hold, send and wait for: a client of the real edge reaches each bound."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_harness import NOWHERE
from port443.core.contract.snapshot import Pool, SiteLimits
from upstreams import Received, Upstream, Visit, running_upstream, says
from waiting import wait_until
from web import DEADLINE_S, NAME, Web, client_context, read_answer, running_web, web_before
from wrapping import wrapped

HTTP = pytest.mark.parametrize("version", ["--http1.1", "--http2"])
GET = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
CHUNKED = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
NEIGHBOUR = "127.0.0.2"
A_MOMENT_S = 0.02
HTTP2_GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))


@contextlib.contextmanager
def taking_bodies(directory: Path, most: int) -> Iterator[tuple[Web, Upstream]]:
    """Run a site that takes bodies of so many bytes."""
    with web_before(directory, says(b"taken")) as (web, upstream):
        (site,) = web.scene.sites
        web.edge.apply(replace(web.scene, sites=(replace(site, limits=SiteLimits(body_bytes=most)),)))
        yield web, upstream


def open_tcp(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), DEADLINE_S, source_address=(source, 0))


def is_refused(web: Web, tcp: socket.socket) -> bool:
    """Whether the edge ends the connection; whoever is not refused has a handshake."""
    try:
        wrapped(client_context(web), tcp, server_hostname=NAME).close()
    except (ssl.SSLEOFError, ConnectionResetError, BrokenPipeError):
        return True
    return False


def drip(tls: ssl.SSLSocket, piece: bytes) -> bytes:
    """Send a piece a moment, for ever, until there is an answer."""
    tls.settimeout(A_MOMENT_S)
    while True:
        tls.sendall(piece)
        with contextlib.suppress(TimeoutError):
            return tls.recv(1)


@pytest.mark.machine
@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
def test_a_hello_has_its_time(tmp_path: Path, sent: bytes) -> None:
    """Whoever sends no hello, or not all of it, is left."""
    with running_web(tmp_path, *NOWHERE, limits={"hello_timeout_ms": 200}) as web, open_tcp(web.port) as tcp:
        tcp.sendall(sent)
        assert tcp.recv(1) == b""
        event = web.edge.wait_event("handshake_failed", reason="timeout")
        assert "timeouts.hello" in event["detail"]


@pytest.mark.machine
def test_a_header_has_its_time_however_busy_its_client(tmp_path: Path) -> None:
    """A slow loris sends a byte now and then: what counts is when the header is whole."""
    with running_web(tmp_path, *NOWHERE, limits={"header_timeout_ms": 300}) as web, web.connected() as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nX-Loris: ")
        first = drip(tls, b"x")
        assert read_answer(tls, first).status == 408
        web.edge.wait_event("request_refused", site=NAME, reason="header_timeout", status=408)


@pytest.mark.machine
def test_an_idle_http_2_connection_ends(tmp_path: Path) -> None:
    """A client that asks for nothing is told so, and left."""
    with (
        running_web(tmp_path, *NOWHERE, limits={"idle_timeout_ms": 200}) as web,
        web.connected(NAME, "h2") as tls,
    ):
        tls.sendall(HTTP2_GREETING)
        seen = b""
        with contextlib.suppress(ssl.SSLEOFError, ConnectionResetError):
            while piece := tls.recv(4096):
                seen += piece
        goaway = bytes((0, 0, 8, 7, 0, 0, 0, 0, 0))
        assert goaway in seen


@pytest.mark.machine
def test_an_upload_that_goes_on_for_ever_is_given_up(tmp_path: Path) -> None:
    """No silence in it is too long, but the whole is: 408."""
    limits = {"request_timeout_ms": 400}
    with (
        web_before(tmp_path, says(b""), **limits) as (web, _),
        web.connected() as tls,
    ):
        tls.sendall(CHUNKED)
        first = drip(tls, b"1\r\nx\r\n")
        assert read_answer(tls, first).status == 408
        web.edge.wait_event("request_refused", site=NAME, reason="request_timeout", status=408)


@pytest.mark.machine
@HTTP
def test_an_answer_that_goes_on_for_ever_is_broken_off(tmp_path: Path, version: str) -> None:
    """The client sees that it has not got all of it, and an event says why."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):
            while True:
                visit.send(b"4\r\nmore\r\n")

    with web_before(tmp_path, answer, request_timeout_ms=400) as (web, _):
        ended = web.curl(version, "-o", "/dev/null", check=False)
        assert ended.returncode in {18, 56, 92}
        web.edge.wait_event("request_refused", site=NAME, reason="request_timeout", status=0)


@pytest.mark.machine
def test_the_first_byte_of_a_response_has_its_time(tmp_path: Path) -> None:
    """A server that says nothing is answered for with 504."""

    def answer(visit: Visit, _request: Received) -> None:
        assert visit.socket.recv(1) == b""

    with running_upstream(answer) as upstream:
        pool = Pool(NAME, (upstream.server,), response_timeout_ms=200)
        with running_web(tmp_path, pool=pool) as web:
            assert web.get().status == 504
            web.edge.wait_event("upstream_failed", site=NAME, reason="response_timeout", status=504)


@HTTP
@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ([f"X-{number}: y" for number in range(12)], {"header_fields": 12}),
        (["X: " + "y" * 1000], {"header_line_bytes": 1000}),
    ],
    ids=["many", "long"],
)
def test_a_header_has_so_many_lines_and_each_so_many_bytes(
    tmp_path: Path, version: str, fields: list[str], limits: dict[str, int]
) -> None:
    """More or longer lines are refused with 431, whatever the version; a little less is not."""
    with web_before(tmp_path, says(b""), **limits) as (web, upstream):
        given = [word for field in fields for word in ("-H", field)]
        assert web.get(version, *given).status == 431
        web.edge.wait_event("request_refused", site=NAME, reason="fields_too_large", status=431)
        assert upstream.requests == []
        fewer = ["-H", "X: " + "y" * 900] if "header_line_bytes" in limits else given[:10]
        assert web.get(version, *fewer).status == 200


def test_a_header_has_so_many_bytes(tmp_path: Path) -> None:
    """A header that is too large in all is refused, though each line of it is short."""
    with web_before(tmp_path, says(b""), header_bytes=2048) as (web, _):
        lines = "".join(f"X-{number}: {'y' * 90}\r\n" for number in range(25))
        assert web.ask(GET.decode()[:-2] + lines + "\r\n").status == 431
        assert web.ask(GET.decode()).status == 200


@HTTP
@pytest.mark.parametrize("is_chunked", [False, True], ids=["length", "chunked"])
def test_a_body_has_so_many_bytes(tmp_path: Path, version: str, *, is_chunked: bool) -> None:
    """A body that says or shows to be larger is refused with 413; its server gets no more than the bound."""
    sent = tmp_path / "body"
    how = ["-H", "Expect:", "-T", "-"] if is_chunked else ["-H", "Expect:", "-T", str(sent)]
    with taking_bodies(tmp_path, 1000) as (web, upstream):
        for size, status in ((1000, 200), (1001, 413), (300_000, 413)):
            sent.write_bytes(bytes(size))
            with sent.open("rb") as stdin:
                answer = web.curl(
                    version, *how, "-w", "%{http_code}", "-o", "/dev/null", check=False, stdin=stdin
                )
            assert answer.stdout == str(status).encode(), size
        web.edge.wait_event("request_refused", site=NAME, reason="body_too_large", status=413)
        assert max(request.length for request in upstream.requests) == 1000
        if not is_chunked:
            assert len(upstream.requests) == 1


def test_bodies_are_bounded_site_by_site(tmp_path: Path) -> None:
    """The bound belongs to the site: another one, applied while a connection is open, holds at once."""
    post = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 4\r\n\r\nbody".encode()
    with taking_bodies(tmp_path, 4) as (web, _), web.connected() as tls:
        tls.sendall(post)
        assert read_answer(tls).status == 200
        (site,) = web.scene.sites
        web.edge.apply(replace(web.scene, sites=(replace(site, limits=SiteLimits(body_bytes=3)),)))
        tls.sendall(post)
        assert read_answer(tls).status == 413


def test_a_site_has_so_many_requests_under_way(tmp_path: Path) -> None:
    """One more gets 503, which its server never hears of; whoever is answered makes room."""
    answered = threading.Event()

    def waits(visit: Visit, request: Received) -> None:
        visit.wait(answered.is_set)
        says(b"taken")(visit, request)

    with web_before(tmp_path, waits) as (web, upstream), web.connected() as first:
        (site,) = web.scene.sites
        web.edge.apply(replace(web.scene, sites=(replace(site, limits=SiteLimits(requests=1)),)))
        first.sendall(GET)
        wait_until(lambda: len(upstream.requests) == 1)
        for version in ("--http1.1", "--http2"):
            refused = web.curl(version, "-w", "%{http_code}")
            assert refused.stdout.endswith(b"limit of concurrent requests is reached.\n503")
        web.edge.wait_event("request_refused", site=NAME, reason="too_many_requests", status=503)
        answered.set()
        assert read_answer(first).status == 200
        assert web.ask(GET.decode()).status == 200
        assert len(upstream.requests) == 2


@pytest.mark.machine
def test_a_full_worker_refuses_newcomers_and_serves_on(tmp_path: Path) -> None:
    """Above its ceiling a worker takes nobody; who is in is served, and who leaves makes room."""
    with web_before(tmp_path, says(b"here"), connections_per_worker=2) as (web, _):
        with web.connected() as first, open_tcp(web.port):
            for source in ("127.0.0.1", NEIGHBOUR):
                with open_tcp(web.port, source) as late:
                    assert is_refused(web, late)
            event = web.edge.wait_event("handshake_failed", reason="overloaded")
            assert "limits.connections.per_worker" in event["detail"]
            with open_tcp(web.clear_port) as clear:
                assert read_answer(clear).status == 503
            first.sendall(GET)
            assert read_answer(first).body == b"here"
            assert web.edge.stats()["handshake_failures"]["overloaded"] == 3
        assert web.get().status == 200


@pytest.mark.machine
def test_one_address_cannot_take_all_connections(tmp_path: Path) -> None:
    """A client at its ceiling is refused while its neighbours are not; in clear it is told with 429."""
    with (
        web_before(tmp_path, says(b"here"), connections_per_address=2) as (web, _),
        web.connected() as first,
        open_tcp(web.port) as second,
    ):
        with open_tcp(web.port) as third:
            assert is_refused(web, third)
        event = web.edge.wait_event("handshake_failed", reason="overloaded")
        assert "limits.connections.per_address" in event["detail"]
        with open_tcp(web.clear_port) as clear:
            assert read_answer(clear).status == 429
        with open_tcp(web.port, NEIGHBOUR) as neighbour:
            assert not is_refused(web, neighbour)
        first.sendall(GET)
        assert read_answer(first).body == b"here"
        second.close()
        wait_until(lambda: web.edge.stats()["connections"]["open"] == 1)
        assert web.get().body == b"here"


@pytest.mark.machine
def test_one_address_shakes_hands_so_often(tmp_path: Path) -> None:
    """After its burst a client's new connections are refused; what it has open goes on."""
    limits = {"handshakes_per_second": 1, "handshakes_burst": 3}
    with (
        web_before(tmp_path, says(b"here"), **limits) as (web, _),
        web.connected() as first,
    ):
        refused = 0
        for _ in range(12):
            with open_tcp(web.port) as tcp:
                refused += is_refused(web, tcp)
            if refused:
                break
        assert refused
        event = web.edge.wait_event("handshake_failed", reason="overloaded")
        assert "limits.handshakes.per_second" in event["detail"]
        with open_tcp(web.port, NEIGHBOUR) as neighbour:
            assert not is_refused(web, neighbour)
        with open_tcp(web.clear_port) as clear:
            clear.sendall(GET)
            assert read_answer(clear).status == 308
        first.sendall(GET)
        assert read_answer(first).body == b"here"
