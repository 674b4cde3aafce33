"""What one form of HTTP says in another: cookies, authorities, bodies, and fields for one connection."""

import socket
import ssl
from pathlib import Path

import pytest

from http2_frames import DATA, END_HEADERS, END_STREAM, HEADERS, frame, http2, request
from upstreams import says
from waiting import HANG_S
from web import NAME, client_context, read_answer, web_before

HTTP = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


def test_many_pieces_of_a_cookie_are_one_field(tmp_path: Path) -> None:
    """Browsers send each cookie as a field of its own over HTTP/2 (RFC 9113 §8.2.3)."""
    pieces = [("cookie", f"name{number}=value") for number in range(180)]
    with web_before(tmp_path, says(b"ok")) as (web, upstream), http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(*pieces)))
        assert client.answer(1) == (200, b"ok")
    assert upstream.requests[0].value("cookie") == "; ".join(value for _, value in pieces)


@pytest.mark.parametrize(("count", "status"), [(9, 200), (10, 431)])
@HTTP
def test_a_cookie_has_one_limit_in_every_version(
    tmp_path: Path, version: str, count: int, status: int
) -> None:
    """The line that its pieces become may be as long as one that came whole, and no longer."""
    cookie = "; ".join(["k=" + "v" * 98] * count)
    with web_before(tmp_path, says(b"ok"), header_line_bytes=1000) as (web, _):
        assert web.get(version, "-H", f"Cookie: {cookie}").status == status
        if version == "--http2":
            with http2(web) as client:
                pieces = [("cookie", piece) for piece in cookie.split("; ")]
                client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(*pieces)))
                assert client.answer(1)[0] == status


@HTTP
def test_responses_have_as_many_fields_as_the_limits_say(tmp_path: Path, version: str) -> None:
    """128 always, and more where requests may have more; each comes through."""
    fields = [f"X-{number}: y" for number in range(199)]
    with web_before(tmp_path, says(b"ok", *fields)) as (web, _):
        answer = web.get(version)
        assert answer.status == 502
        assert b"header is too large" in answer.body
        web.edge.wait_event("upstream_failed", reason="response_too_large", status=502)
        web.edge.apply(web.scene.with_limits(header_fields=200))
        answer = web.get(version)
        assert [answer.value(f"X-{number}") for number in range(199)] == ["y"] * 199


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_dot_at_the_end_of_a_name_is_none(tmp_path: Path, protocol: str, tls: str) -> None:
    """A name with a final dot is the same host in SNI and Host (RFC 6066 §3)."""
    with web_before(tmp_path, says(b"ok")) as (web, upstream):
        context = client_context(web, protocol)
        context.check_hostname = False
        context.maximum_version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[tls]
        with web.connected_by(context, f"{NAME}.") as sock:
            if protocol == "http/1.1":
                sock.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}.\r\n\r\n".encode())
                assert read_answer(sock).body == b"ok"
        web.edge.wait_event("handshake_completed", server_name=NAME, site=NAME)
    assert [it.value("host") for it in upstream.requests] == [f"{NAME}."] * (protocol == "http/1.1")


def test_a_dot_at_the_end_of_a_name_is_none_in_clear_either(tmp_path: Path) -> None:
    """What speaks no TLS on the TLS port is told the address of the site that it named."""
    with (
        web_before(tmp_path, says(b"")) as (web, _),
        socket.create_connection(("127.0.0.1", web.port), timeout=HANG_S) as sock,
    ):
        sock.sendall(f"GET /x HTTP/1.1\r\nHost: {NAME}.\r\n\r\n".encode())
        assert f"https://{NAME}:{web.port}/x" in read_answer(sock).body.decode()


@pytest.mark.parametrize(
    ("authority", "host"),
    [(f"{NAME}:", None), (f"{NAME}:443", NAME), (NAME, f"{NAME}:443"), (f"{NAME}:", f"{NAME}:443")],
)
def test_an_authority_and_a_host_are_compared_normalised(
    tmp_path: Path, authority: str, host: str | None
) -> None:
    """An empty port and the default one are no port (RFC 9110 §4.2.3, RFC 9113 §8.3.1)."""
    more = [("host", host)] if host else []
    with web_before(tmp_path, says(b"ok")) as (web, upstream), http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(*more, host=authority)))
        assert client.answer(1) == (200, b"ok")
    assert upstream.requests[0].value("host") == authority.removesuffix(":")


@pytest.mark.parametrize("ends_in", ["head", "data"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_without_length_goes_on_in_chunks(tmp_path: Path, method: str, ends_in: str) -> None:
    """Also one that is empty, so that no server waits for it or refuses it with 411."""
    with web_before(tmp_path, says(b"ok")) as (web, upstream), http2(web) as client:
        if ends_in == "head":
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(method=method)))
        else:
            head = frame(HEADERS, END_HEADERS, 1, request(method=method))
            client.send(head, frame(DATA, END_STREAM, 1, b"abc"))
        assert client.answer(1) == (200, b"ok")
        assert web.get("--http2").body == b"ok"
    first, second = upstream.requests
    assert first.value("transfer-encoding") == "chunked"
    assert first.body == (b"" if ends_in == "head" else b"abc")
    assert (first.connection, second.connection) == (1, 1)
    assert second.values("transfer-encoding") == []


@HTTP
def test_an_empty_expectation_is_none(tmp_path: Path, version: str) -> None:
    """A list without members asks for nothing (RFC 9110 §5.6.1, §10.1.1)."""
    with web_before(tmp_path, says(b"ok")) as (web, upstream):
        assert web.get(version, "-H", "Expect;", "-d", "abc").body == b"ok"
    assert upstream.requests[0].values("expect") == []


@pytest.mark.parametrize(
    ("sent", "said"),
    [("HTTP/1.1", "Upgrade"), ("HTTP/1.1 close", "close, Upgrade"), ("HTTP/1.0", "close, Upgrade")],
)
def test_426_says_to_what(tmp_path: Path, sent: str, said: str) -> None:
    """Without its Upgrade field the answer means nothing (RFC 9110 §15.5.22); another status needs none."""
    fields = ("Upgrade: websocket", "Connection: Upgrade")
    version, _, connection = sent.partition(" ")
    more = f"Connection: {connection}\r\n" if connection else ""
    with web_before(tmp_path, says(b"no", *fields, status="426 Upgrade Required")) as (web, _):
        answer = web.ask(f"GET / {version}\r\nHost: {NAME}\r\n{more}\r\n")
        assert (answer.status, answer.value("upgrade"), answer.value("connection")) == (
            426,
            "websocket",
            said,
        )
        # HTTP/2 forbids the field (RFC 9113 §8.2.2).
        assert web.get("--http2").values("upgrade") == []
    with web_before(tmp_path, says(b"yes", *fields)) as (web, _):
        assert web.get("--http1.1").values("upgrade") == []
