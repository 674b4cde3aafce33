"""HTTP through the real edge: what reaches the server, what reaches the client."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_harness import Scene
from port443.core.contract.snapshot import Hsts, Server
from upstreams import Upstream, running_upstream, says
from web import NAME, Web, read_answer, running_web, web_before

BLOCK = bytes(range(256)) * 4096
BLOCKS = 100
WHOLE = hashlib.sha256(BLOCK * BLOCKS).hexdigest()
HTTP = pytest.mark.parametrize("version", ["--http1.1", "--http2"])
HOP_BY_HOP = ("connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "x-secret")


@pytest.fixture
def echo() -> Iterator[Upstream]:
    with running_upstream(says(b"hello", "X-Own: yes")) as upstream:
        yield upstream


@pytest.fixture
def web(tmp_path: Path, echo: Upstream) -> Iterator[Web]:
    with running_web(tmp_path, echo.server) as web:
        yield web


@HTTP
def test_a_request_and_its_response_pass(web: Web, echo: Upstream, version: str) -> None:
    """Method, target, fields and bodies arrive on both sides as they were sent."""
    answer = web.get(version, "-d", "name=value", "-H", "X-Ask: 1", path="/a?b=%20c")
    (request,) = echo.requests
    assert (request.line, request.body) == ("POST /a?b=%20c HTTP/1.1", b"name=value")
    assert (request.value("host"), request.value("x-ask")) == (NAME, "1")
    assert (answer.status, answer.body, answer.value("x-own")) == (200, b"hello", "yes")
    assert answer.value("date").endswith(" GMT")


@HTTP
def test_hop_by_hop_fields_stay_on_their_hop(tmp_path: Path, version: str) -> None:
    """What is meant for one connection, or named by its Connection field, is not passed on."""
    own = ("Connection: X-Secret", "X-Secret: 2", "Keep-Alive: timeout=5", "Trailer: X-T", "X-Open: 3")
    with web_before(tmp_path, says(b"", *own)) as (web, upstream):
        sent = ["Keep-Alive: 1", "Trailer: X-T", "X-Open: 4", "TE: trailers"]
        if version == "--http1.1":
            sent += ["Connection: close, X-Secret", "X-Secret: 1", "Proxy-Connection: keep-alive"]
        answer = web.get(version, *(part for field in sent for part in ("-H", field)))
    (request,) = upstream.requests
    assert [name for name in HOP_BY_HOP if request.values(name)] == []
    kept = set(HOP_BY_HOP) - {"connection"}
    assert [name for name in kept if answer.values(name)] == []
    assert (request.value("x-open"), answer.value("x-open")) == ("4", "3")


@HTTP
def test_what_a_client_says_about_its_path_is_dropped(web: Web, echo: Upstream, version: str) -> None:
    """Servers are told the true address, scheme and host, once, whatever a client forges."""
    forged = [
        "Forwarded: for=6.6.6.6",
        "X-Forwarded-For: 6.6.6.6",
        "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Port: 1",
        "X-Real-IP: 6.6.6.6",
    ]
    web.get(version, *(part for field in forged for part in ("-H", field)))
    (request,) = echo.requests
    about_the_path = [(n, v) for n, v in request.fields if "forwarded" in n.lower() or "real" in n.lower()]
    assert about_the_path == [
        ("Forwarded", f"for=127.0.0.1;host={NAME};proto=https"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", NAME),
    ]


@HTTP
@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, "max-age=31536000"),
        ("max-age=300", "max-age=31536000"),
        ("max-age=63072000; includeSubDomains", "max-age=63072000; includeSubDomains"),
    ],
)
def test_the_stronger_hsts_header_is_sent(
    tmp_path: Path, version: str, own: str | None, expected: str
) -> None:
    """The site's header is added, replaces a weaker one, and gives way to a stronger one."""
    fields = [f"Strict-Transport-Security: {own}"] if own else []
    hsts = Hsts((NAME,), 31536000, include_subdomains=False, preload=False)
    with web_before(tmp_path, says(b"", *fields), hsts) as (web, _):
        assert expected == web.get(version).value("strict-transport-security")


def test_servers_take_turns(tmp_path: Path) -> None:
    """Requests go to the servers of a pool one after the other."""
    with (
        running_upstream(says(b"one")) as one,
        running_upstream(says(b"two")) as two,
        running_web(tmp_path, one.server, two.server) as web,
    ):
        bodies = [web.get("--http1.1").body for _ in range(6)]
    assert bodies == [b"one", b"two"] * 3


def test_connections_to_servers_are_used_again(web: Web, echo: Upstream) -> None:
    """Many requests of many clients need one connection to the server."""
    for _ in range(5):
        web.get("--http1.1")
        web.get("--http2")
    assert (len(echo.requests), echo.connections) == (10, 1)
    assert web.edge.stats()["upstream"]["connections_open"] == 1


def test_http_1_0_clients_are_served(web: Web, echo: Upstream) -> None:
    """HTTP/1.0 gets an answer that ends with the connection, or stays when it asks for that."""
    answer = web.ask(f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n")
    assert (answer.status, answer.body, answer.value("connection")) == (200, b"hello", "close")
    with web.connected() as tls:
        for _ in range(2):
            tls.sendall(f"GET / HTTP/1.0\r\nHost: {NAME}\r\nConnection: keep-alive\r\n\r\n".encode())
            assert read_answer(tls).value("connection") == "keep-alive"
    nameless = web.ask("GET / HTTP/1.0\r\n\r\n")
    assert (nameless.status, echo.requests[-1].value("host")) == (200, NAME)


def test_a_host_of_another_site_is_misdirected(web: Web, echo: Upstream) -> None:
    """A request for a host that the connection was not made for gets 421 in both versions."""
    since = web.edge.last_event()
    answer = web.ask("GET / HTTP/1.1\r\nHost: other.localhost\r\n\r\n")
    assert (answer.status, b"does not serve the requested host" in answer.body) == (421, True)
    assert web.get("--http2", "-H", "Host: other.localhost").status == 421
    web.edge.wait_event("request_refused", since, site=NAME, reason="misdirected", status=421)
    assert echo.requests == []


@HTTP
def test_a_default_site_takes_unknown_hosts(web: Web, echo: Upstream, version: str) -> None:
    """Whoever was let in without a known name may ask for an unknown one."""
    web.edge.apply(replace(web.scene, default_site=NAME))
    assert web.get(version, "-H", "Host: unknown.example").status == 200
    assert echo.requests[0].value("host") == "unknown.example"


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_servers_have_names_and_addresses_of_both_kinds(tmp_path: Path, host: str) -> None:
    """A server is reached by its name, and over IPv6."""
    address = "127.0.0.1" if host == "localhost" else host
    with (
        running_upstream(says(b"here"), address) as upstream,
        running_web(tmp_path, Server(host, upstream.server.port)) as web,
    ):
        assert web.get("--http1.1").body == b"here"


def test_a_request_follows_its_site_into_a_new_snapshot(tmp_path: Path) -> None:
    """A connection that stays gets the servers that its site has now."""
    with (
        running_upstream(says(b"new")) as new,
        web_before(tmp_path, says(b"old")) as (web, _),
        web.connected() as tls,
    ):
        request = f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
        tls.sendall(request)
        assert read_answer(tls).body == b"old"
        web.edge.apply(_with_server(web.scene, new))
        tls.sendall(request)
        assert read_answer(tls).body == b"new"


@HTTP
def test_what_happened_is_counted(web: Web, version: str) -> None:
    """Requests are counted by site and status class, bytes as the client sees them."""
    for _ in range(3):
        web.get(version)
    web.get(version, "-H", "Host: unknown.example")
    counts = {(row["site"], row["status_class"]): row["count"] for row in web.edge.stats()["requests"]}
    assert counts == {(NAME, "2xx"): 3, (NAME, "4xx"): 1}


def _with_server(scene: Scene, upstream: Upstream) -> Scene:
    return replace(scene, sites=(replace(scene.sites[0], servers=(upstream.server,)),))
