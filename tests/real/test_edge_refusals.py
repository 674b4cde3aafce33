"""Handshakes that the real edge refuses: the alert that the client gets, and the reason that we get."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from tls_certs import Wish, ec_key, intermediate, issue
from tls_client import DEADLINE_S, client_hello, connected, context, read_all, s_client
from waiting import wait_until

A_TEST = SiteWish(("a.test",), (issue(Wish(("a.test",)), ec_key(), intermediate()),))
ALERT, FATAL = 21, 2


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    """One edge for all: a test looks at the events after its own beginning."""
    with running_edge() as started:
        yield started


def serve(edge: RunningEdge, *sites: SiteWish, **limits: int) -> int:
    listener = edge.listen()
    edge.apply(Scene(sites or (A_TEST,), (listener,)).with_limits(**limits))
    return int(listener.address.rpartition(":")[2])


def say(port: int, *words: bytes) -> bytes:
    """Send words one by one, and read what comes until the edge closes."""
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as tcp:
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for word in words:
            tcp.sendall(word)
        return read_all(tcp)


def alert_of(answer: bytes) -> int:
    """Return the number of the one alert that an answer consists of."""
    assert answer[0] == ALERT
    assert answer[1:5] == b"\x03\x03\x00\x02"
    assert answer[5] == FATAL
    assert len(answer) == 7
    return answer[6]


@pytest.mark.parametrize(
    ("options", "reason", "alert", "detail"),
    [
        ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", "no_shared_version", "protocol_version", "TLS 1.1"),
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256", "no_shared_suite", "handshake_failure", "0xc023"),
        ("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", "no_shared_suite", "handshake_failure", "key"),
        ("-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", "no_shared_suite", "handshake_failure", "0x1304"),
        ("-curves X448", "no_shared_group", "handshake_failure", "0x001e"),
        ("-sigalgs ed25519", "no_shared_signature_scheme", "handshake_failure", "0x0807"),
        ("-alpn spdy/3,h3", "no_shared_alpn", "no_application_protocol", "spdy/3, h3"),
    ],
)
def test_what_is_not_shared_is_named(
    edge: RunningEdge, options: str, reason: str, alert: str, detail: str
) -> None:
    """OpenSSL is refused by the right alert, and the event says what was not shared."""
    since = edge.last_event()
    said = s_client(serve(edge), "-servername", "a.test", *options.split())
    assert f"alert {alert.replace('_', ' ')}" in said
    event = edge.wait_event("handshake_failed", since, server_name="a.test", reason=reason)
    assert event["alert"] == alert
    assert detail in event["detail"]


def test_an_unknown_name_is_refused(edge: RunningEdge) -> None:
    """A name that no site has is answered by unrecognized_name, never by another certificate."""
    port, since = serve(edge), edge.last_event()
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"), connected(port, "unknown.test", context()):
        pass
    event = edge.wait_event("handshake_failed", since, reason="unknown_server_name")
    assert (event["server_name"], event["alert"]) == ("unknown.test", "unrecognized_name")
    assert event["listener"] == f"https:127.0.0.1:{port}"
    assert event["peer"].startswith("127.0.0.1:")


def test_a_hello_without_a_name_is_refused(edge: RunningEdge) -> None:
    """Without a server name, and without a site for the address, there is nothing to show."""
    port, since = serve(edge), edge.last_event()
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"), connected(port, None, context()):
        pass
    event = edge.wait_event("handshake_failed", since, reason="no_server_name")
    assert (event["server_name"], event["alert"]) == (None, "unrecognized_name")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("trust", "name", "alert"),
    [("another root", "a.test", "unknown_ca"), ("the root", "x.w.test", "bad_certificate")],
)
def test_a_client_that_rejects_the_certificate_is_named(
    edge: RunningEdge, version: ssl.TLSVersion, trust: str, name: str, alert: str
) -> None:
    """The alert that a client rejects our certificate with is the detail of the event."""
    wrong_name = SiteWish(("x.w.test",), A_TEST.certificates)
    port, since = serve(edge, A_TEST, wrong_name), edge.last_event()
    roots = {"the root": None, "another root": issue(Wish(is_ca=True), ec_key(384)).pem}
    with pytest.raises(ssl.SSLCertVerificationError), connected(port, name, context(version, roots[trust])):
        pass
    event = edge.wait_event("handshake_failed", since, server_name=name, reason="client_rejected_certificate")
    assert (event["detail"], event["alert"]) == (f"the client sent the alert {alert}", None)


@pytest.mark.parametrize(
    ("request_text", "address"),
    [
        (b"GET /shop?a=1 HTTP/1.1\r\nHost: a.test\r\n\r\n", "https://a.test:%d/shop?a=1"),
        (b"GET / HTTP/1.1\r\nHost: A.TEST:80\r\n\r\n", "https://a.test:%d/"),
        (b"GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n", "https://127.0.0.1:%d/x"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "https://127.0.0.1:%d/"),
    ],
)
def test_http_in_clear_is_told_where_to_go(edge: RunningEdge, request_text: bytes, address: str) -> None:
    """A browser that speaks HTTP to the TLS port can read what it should have asked for."""
    port, since = serve(edge), edge.last_event()
    head, _, body = say(port, request_text).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close" in head
    assert (address % port) in body.decode().split()
    edge.wait_event("handshake_failed", since, reason="plain_http")


def test_the_address_in_the_answer_has_the_port_that_clients_use(edge: RunningEdge) -> None:
    """Port 443 in front of the listener is not written out."""
    listener = edge.listen(https_port=443)
    edge.apply(Scene((A_TEST,), (listener,)))
    port = int(listener.address.rpartition(":")[2])
    assert b"https://a.test/\n" in say(port, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")


def test_a_head_request_in_clear_gets_no_body(edge: RunningEdge) -> None:
    """The answer to HEAD ends with its head (RFC 9110 §9.3.2)."""
    answer = say(serve(edge), b"HEAD / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.9\r\n", b"\x00" * 40, b"EHLO mail.example\r\n"])
def test_what_is_not_tls_is_closed(edge: RunningEdge, words: bytes) -> None:
    """Another protocol gets no answer, and an event."""
    port, since = serve(edge), edge.last_event()
    assert say(port, words) == b""
    assert edge.wait_event("handshake_failed", since, reason="not_tls")["alert"] is None


@pytest.mark.parametrize(
    ("words", "reason", "alert"),
    [
        (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", "hello_malformed", 10),
        (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x03", "hello_malformed", 50),
        (b"\x16\x03\x01\x00\x04\x01\xff\xff\xff", "hello_too_large", 50),
        (b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", "no_shared_version", 70),
    ],
)
def test_first_bytes_that_are_no_hello_are_answered_by_an_alert(
    edge: RunningEdge, words: bytes, reason: str, alert: int
) -> None:
    """A hello that cannot be read, one above the limit and one of SSL 2.0 are told apart."""
    port, since = serve(edge), edge.last_event()
    assert alert_of(say(port, words)) == alert
    edge.wait_event("handshake_failed", since, reason=reason)


@pytest.mark.parametrize(
    ("number", "name"), [(40, "handshake_failure"), (80, "internal_error"), (100, "no_renegotiation")]
)
def test_a_client_that_opens_with_an_alert_is_told_by_it(edge: RunningEdge, number: int, name: str) -> None:
    """A client's own alert keeps its name, is not answered, and is not taken for one of ours."""
    port, since = serve(edge), edge.last_event()
    assert say(port, b"\x15\x03\x01\x00\x02\x02" + bytes((number,))) == b""
    event = edge.wait_event("handshake_failed", since, reason="protocol_violation")
    assert (event["alert"], event["detail"]) == (None, f"the client sent the alert {name}")


def test_a_hello_above_the_limit_is_refused(edge: RunningEdge) -> None:
    """The limit on a hello's size is that of the snapshot."""
    port, since = serve(edge, hello_bytes=100), edge.last_event()
    assert alert_of(say(port, client_hello())) == 50
    edge.wait_event("handshake_failed", since, reason="hello_too_large")


@pytest.mark.machine
def test_a_client_that_says_nothing_is_let_go(edge: RunningEdge) -> None:
    """The time for the hello is limited, whether nothing comes or only its beginning."""
    port = serve(edge, hello_timeout_ms=100)
    for words in (b"", client_hello()[:50]):
        since = edge.last_event()
        assert say(port, words) == b""
        event = edge.wait_event("handshake_failed", since, reason="timeout")
        assert "timeouts.hello" in event["detail"]


@pytest.mark.machine
def test_a_handshake_that_does_not_end_is_let_go(edge: RunningEdge) -> None:
    """A client that takes our flight and says no more is closed after the handshake's time."""
    port, since = serve(edge, handshake_timeout_ms=100), edge.last_event()
    assert len(say(port, client_hello())) > 500
    event = edge.wait_event("handshake_failed", since, server_name="a.test", reason="timeout")
    assert "timeouts.handshake" in event["detail"]


@pytest.mark.machine
def test_a_slow_hello_is_a_hello(edge: RunningEdge) -> None:
    """A hello in single bytes, within its time, is answered as any other."""
    hello = client_hello()
    port = serve(edge, handshake_timeout_ms=100)
    answer = say(port, *(hello[place : place + 1] for place in range(len(hello))))
    assert answer[:3] == b"\x16\x03\x03"


@pytest.mark.machine
def test_a_hello_in_many_records_is_a_hello(edge: RunningEdge) -> None:
    """A hello that is cut into records of a few bytes is answered as any other."""
    message = client_hello()[5:]
    pieces = [message[place : place + 7] for place in range(0, len(message), 7)]
    records = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)
    answer = say(serve(edge, handshake_timeout_ms=100), records)
    assert answer[:3] == b"\x16\x03\x03"


@pytest.mark.machine
def test_a_client_that_goes_away_is_told_from_one_that_refuses(edge: RunningEdge) -> None:
    """Closing in the middle of the hello is client_closed; before the first byte it is nothing."""
    port, since = serve(edge), edge.last_event()
    before = edge.stats()["handshake_failures"]
    socket.create_connection(("127.0.0.1", port)).close()
    wait_until(lambda: edge.stats()["connections"]["open"] == 0)
    assert edge.stats()["handshake_failures"] == before
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.sendall(client_hello()[:20])
    event = edge.wait_event("handshake_failed", since, reason="client_closed")
    assert event["detail"] == "closed before the server's first flight"


@pytest.mark.machine
def test_a_worker_holds_so_many_connections(edge: RunningEdge) -> None:
    """Above the limit a connection is closed at once, with an event."""
    port, since = serve(edge, connections_per_worker=1), edge.last_event()
    held = [socket.create_connection(("127.0.0.1", port), DEADLINE_S) for _ in range(12)]
    try:
        event = edge.wait_event("handshake_failed", since, reason="overloaded")
        assert event["listener"] == f"https:127.0.0.1:{port}"
        assert edge.stats()["connections"]["open"] <= edge.workers
    finally:
        for tcp in held:
            tcp.close()


@pytest.mark.machine
def test_failures_are_counted_by_reason(edge: RunningEdge) -> None:
    """Every refusal is in the statistics under its reason."""
    port = serve(edge)
    before = edge.stats()["handshake_failures"].get("not_tls", 0)
    for _ in range(5):
        assert say(port, b"nonsense") == b""
    assert edge.stats()["handshake_failures"]["not_tls"] == before + 5
