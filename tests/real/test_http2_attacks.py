"""HTTP/2 clients that break or strain the protocol, frame by frame, against the real edge."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from http2_frames import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    NO_ERROR,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    Http2,
    block,
    frame,
    get,
    http2,
    request,
    settings,
)
from upstreams import Received, Upstream, Visit, plain_response, running_upstream, says
from waiting import HANG_S, wait_until
from web import NAME, Web, running_web, web_before

WORD = (1).to_bytes(4)
UPLOAD = frame(HEADERS, END_HEADERS, 1, request(method="POST"))
OVERFULL = frame(HEADERS, END_HEADERS, 1, request(("content-length", "5"), method="POST")) + frame(
    DATA, 0, 1, bytes(8)
)
"""A body that nobody listens to any more."""
REFUSED = frame(HEADERS, END_HEADERS, 1, request(method="POST", path="nowhere"))
"""Answered at once: nobody takes its body."""
BOMB = b"\x40\x01a\x7f\xa1\x1e" + b"v" * 4000 + b"\xbe" * 12000

FLOODS = {
    "ping_flood": frame(PING, payload=bytes(8)) * 200,
    "settings_flood": settings() * 100,
    "empty_data_flood": UPLOAD + frame(DATA, stream=1) * 200,
    "priority_flood": frame(PRIORITY, stream=3, payload=bytes(5)) * 1000,
    "window_update_flood": frame(WINDOW_UPDATE, payload=WORD) * 2000,
    "continuation_flood": frame(HEADERS, 0, 1, request()) + frame(CONTINUATION, 0, 1) * 100,
    "header_bomb": frame(HEADERS, END_HEADERS | END_STREAM, 1, request() + BOMB),
    "rapid_reset": b"".join(
        get(number) + frame(RST_STREAM, stream=number, payload=bytes(4)) for number in range(1, 1001, 2)
    ),
}
BREACHES = {
    "no settings": ("protocol_violated", PROTOCOL_ERROR, None),
    "frame too long": ("frame_size_wrong", FRAME_SIZE_ERROR, frame(DATA, 0, 1, bytes(16385))),
    "short ping": ("frame_size_wrong", FRAME_SIZE_ERROR, frame(PING, payload=bytes(7))),
    "odd settings": ("frame_size_wrong", FRAME_SIZE_ERROR, frame(SETTINGS, payload=bytes(5))),
    "acknowledgement with payload": ("frame_size_wrong", FRAME_SIZE_ERROR, frame(SETTINGS, ACK, 0, bytes(6))),
    "push setting": ("protocol_violated", PROTOCOL_ERROR, settings(enable_push=2)),
    "huge window setting": (
        "flow_control_violated",
        FLOW_CONTROL_ERROR,
        settings(initial_window_size=1 << 31),
    ),
    "small frame setting": ("protocol_violated", PROTOCOL_ERROR, settings(max_frame_size=100)),
    "even stream": ("protocol_violated", PROTOCOL_ERROR, get(2)),
    "stream 0 data": ("protocol_violated", PROTOCOL_ERROR, frame(DATA, 0, 0, b"x")),
    "idle data": ("protocol_violated", PROTOCOL_ERROR, frame(DATA, 0, 1, b"x")),
    "idle reset": ("protocol_violated", PROTOCOL_ERROR, frame(RST_STREAM, 0, 1, bytes(4))),
    "idle window": ("protocol_violated", PROTOCOL_ERROR, frame(WINDOW_UPDATE, 0, 1, WORD)),
    "zero window": ("protocol_violated", PROTOCOL_ERROR, frame(WINDOW_UPDATE, 0, 0, bytes(4))),
    "window overflow": (
        "flow_control_violated",
        FLOW_CONTROL_ERROR,
        frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
    ),
    "push": ("protocol_violated", PROTOCOL_ERROR, frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4))),
    "lone continuation": ("protocol_violated", PROTOCOL_ERROR, frame(CONTINUATION, END_HEADERS, 1)),
    "interleaved": (
        "protocol_violated",
        PROTOCOL_ERROR,
        frame(HEADERS, 0, 1, request()) + frame(PING, payload=bytes(8)),
    ),
    "bad index": ("compression_malformed", COMPRESSION_ERROR, frame(HEADERS, END_HEADERS, 1, b"\xff\x40")),
    "bad padding": ("protocol_violated", PROTOCOL_ERROR, UPLOAD + frame(DATA, PADDED, 1, b"\x05ab")),
    "data after the end": ("stream_closed", STREAM_CLOSED, get(1) + frame(DATA, 0, 1, b"x")),
    "stream window": (
        "flow_control_violated",
        FLOW_CONTROL_ERROR,
        REFUSED + frame(DATA, 0, 1, bytes(16384)) * 17,
    ),
    "window of a refused body": (
        "flow_control_violated",
        FLOW_CONTROL_ERROR,
        OVERFULL + frame(DATA, 0, 1, bytes(16384)) * 16,
    ),
    "two ends of a refused body": (
        "stream_closed",
        STREAM_CLOSED,
        OVERFULL + frame(DATA, END_STREAM, 1) * 2,
    ),
}


def hold(visit: Visit, request: Received) -> None:
    """Answer nothing to HANG, until the edge hangs up."""
    if request.line.startswith("HANG"):
        visit.socket.recv(1)
        return
    visit.body(request)
    visit.send(plain_response(b"hello"))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream(hold) as upstream:
        yield upstream


@pytest.fixture
def web(tmp_path: Path, upstream: Upstream) -> Iterator[Web]:
    with running_web(tmp_path, upstream.server) as web:
        yield web


def assert_cut_off(web: Web, client: Http2, reason: str, code: int) -> None:
    assert client.wait_end().code == code
    web.edge.wait_event("http2_cut_off", site=NAME, reason=reason)
    assert web.edge.stats()["http2_cutoffs"] == {reason: 1}


@pytest.mark.machine
@pytest.mark.parametrize("reason", FLOODS)
def test_a_flood_is_cut_off(web: Web, reason: str) -> None:
    """Work for nothing ends with GOAWAY, a counted reason and an event; others are served on."""
    with http2(web) as client:
        client.send(FLOODS[reason])
        assert_cut_off(web, client, reason, ENHANCE_YOUR_CALM)
    assert web.get("--http2").status == 200


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_is_cut_off(web: Web, name: str) -> None:
    """A frame that may not come ends the connection with the code of RFC 9113."""
    reason, code, frames = BREACHES[name]
    with web.connected(NAME, "h2") as tls:
        client = Http2(tls)
        client.send(PREFACE, frame(PING, payload=bytes(8)) if frames is None else settings() + frames)
        assert_cut_off(web, client, reason, code)


def test_a_wrong_preface_is_cut_off(web: Web) -> None:
    """What is no HTTP/2 is not waited for."""
    with web.connected(NAME, "h2") as tls:
        client = Http2(tls)
        client.send(b"GET / HTTP/1.1\r\n")
        assert_cut_off(web, client, "protocol_violated", PROTOCOL_ERROR)


@pytest.mark.machine
def test_streams_over_the_limit_are_refused_and_then_cut_off(web: Web) -> None:
    """The 129th request is refused alone; who goes on asking loses the connection."""
    hanging = request(method="HANG")
    with http2(web) as client:
        for number in range(1, 257, 2):
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, number, hanging))
        client.send(get(257))
        assert client.wait(RST_STREAM, 257).code == REFUSED_STREAM
        client.send(*(get(number) for number in range(259, 1259, 2)))
        assert_cut_off(web, client, "too_many_streams", ENHANCE_YOUR_CALM)


def test_resets_that_we_are_made_to_send_count(web: Web) -> None:
    """Updates of a window by nothing reset streams, and that is as bad as to reset them."""
    with http2(web) as client:
        for first in range(1, 801, 200):
            numbers = range(first, first + 200, 2)
            client.send(*(get(n) + frame(WINDOW_UPDATE, 0, n, bytes(4)) for n in numbers))
            while (found := client.read()) and (found.kind, found.stream) != (RST_STREAM, numbers[-1]):
                pass
        assert_cut_off(web, client, "rapid_reset", ENHANCE_YOUR_CALM)


@pytest.mark.parametrize(("kind", "rest"), [(DATA, bytes(8)), (HEADERS, block((":path", "/")))])
def test_malformed_bodies_count_whatever_they_are_answered(web: Web, kind: int, rest: bytes) -> None:
    """Each costs a connection to a server: that they are answered with 400 is no amends."""

    def malformed(stream: int) -> bytes:
        head = frame(HEADERS, END_HEADERS, stream, request(("content-length", "5"), method="POST"))
        return head + frame(kind, END_HEADERS | END_STREAM, stream, rest)

    with http2(web) as client:
        for stream in range(1, 1001, 2):
            client.send(malformed(stream))
            while (found := client.read()) and (found.kind, found.stream) != (RST_STREAM, stream):
                pass
            if not found:
                break
        assert stream < 200
        assert_cut_off(web, client, "rapid_reset", ENHANCE_YOUR_CALM)


@pytest.mark.machine
def test_a_closed_window_is_not_waited_for_long(tmp_path: Path) -> None:
    """A response that the client has no room for ends after the body's time."""
    with (
        web_before(tmp_path, says(b"x" * 9), body_timeout_ms=300) as (web, _),
        http2(web, initial_window_size=0) as client,
    ):
        client.send(get(1))
        assert client.wait(RST_STREAM, 1)
        assert_cut_off(web, client, "window_stalled", ENHANCE_YOUR_CALM)


@pytest.mark.machine
def test_a_silent_connection_says_goodbye(tmp_path: Path) -> None:
    """Pings do not keep an idle connection open for ever."""
    with web_before(tmp_path, says(b""), idle_timeout_ms=200) as (web, _), http2(web) as client:
        client.send(frame(PING, payload=bytes(8)))
        assert client.wait(GOAWAY).code == NO_ERROR
        assert client.wait_end().code == NO_ERROR
        assert web.edge.stats()["http2_cutoffs"] == {}


@pytest.mark.machine
def test_a_slow_greeting_is_given_up(tmp_path: Path) -> None:
    """A client that never greets is not held on to."""
    with web_before(tmp_path, says(b""), header_timeout_ms=200) as (web, _), web.connected(NAME, "h2") as tls:
        client = Http2(tls)
        while client.read():
            pass
        assert [it.kind for it in client.seen] == [SETTINGS, WINDOW_UPDATE]


@pytest.mark.parametrize(
    ("more", "reason", "status"),
    [
        ([("connection", "close")], "connection_field_forbidden", 400),
        ([("transfer-encoding", "chunked")], "connection_field_forbidden", 400),
        ([("upgrade", "h2c")], "connection_field_forbidden", 400),
        ([("te", "gzip")], "connection_field_forbidden", 400),
        ([("Upper", "x")], "field_name_malformed", 400),
        ([("a b", "x")], "field_name_malformed", 400),
        ([("x\r\ny", "z")], "field_name_malformed", 400),
        ([("x", "a\r\nEvil: b")], "field_value_malformed", 400),
        ([("x", "a\nb")], "field_value_malformed", 400),
        ([("x", "a\0b")], "field_value_malformed", 400),
        ([("x", " padded")], "field_value_malformed", 400),
        ([("host", "other.localhost")], "host_differs", 400),
        ([("host", NAME), ("host", NAME)], "host_repeated", 400),
        ([(":path", "/again")], "pseudo_field_malformed", 400),
        ([("x", "y"), (":method", "GET")], "pseudo_field_malformed", 400),
        ([(":status", "200")], "pseudo_field_malformed", 400),
        ([("content-length", "5")], "body_malformed", 400),
        ([("expect", "200-ok")], "expectation_unsupported", 417),
        ([("content-length", "0"), ("content-length", "0")], "length_repeated", 400),
        ([("content-length", "-1")], "length_malformed", 400),
        ([("x", "y" * 16000), ("z", "y" * 400)] * 4, "fields_too_large", 431),
        ([("x", "")] * 200, "fields_too_large", 431),
    ],
    ids=str,
)
def test_bent_requests_are_refused(
    web: Web, upstream: Upstream, more: list[tuple[str, str]], reason: str, status: int
) -> None:
    """A request that HTTP/1 would read in another way gets an error and an event, and goes nowhere."""
    pieces = request(*more)
    with http2(web) as client:
        first, rest = pieces[:16000], pieces[16000:]
        client.send(frame(HEADERS, END_STREAM | (0 if rest else END_HEADERS), 1, first))
        while rest:
            piece, rest = rest[:16000], rest[16000:]
            client.send(frame(CONTINUATION, 0 if rest else END_HEADERS, 1, piece))
        if status == 400:
            assert client.refusal(1) == (400, PROTOCOL_ERROR)
        else:
            assert client.answer(1)[0] == status
        web.edge.wait_event("request_refused", site=NAME, reason=reason, status=status)
        client.send(get(3))
        assert client.answer(3) == (200, b"hello")
    assert [request.path for request in upstream.requests] == ["/"]


@pytest.mark.parametrize(
    ("pseudo", "reason", "status"),
    [
        ([(":scheme", "https"), (":path", "/"), (":authority", NAME)], "pseudo_field_malformed", 400),
        ([(":method", "GET"), (":path", "/"), (":authority", NAME)], "pseudo_field_malformed", 400),
        ([(":method", "GET"), (":scheme", "https"), (":authority", NAME)], "pseudo_field_malformed", 400),
        ([(":method", "GET"), (":scheme", "https"), (":path", "/")], "host_missing", 400),
        ([(":method", "CONNECT"), (":authority", NAME)], "method_unsupported", 501),
        ([(":method", "CONNECT"), (":path", "/"), (":authority", NAME)], "pseudo_field_malformed", 400),
        (
            [(":method", "GET"), (":scheme", "https"), (":path", ""), (":authority", NAME)],
            "target_malformed",
            400,
        ),
        (
            [(":method", "GET"), (":scheme", "https"), (":path", "*"), (":authority", NAME)],
            "target_malformed",
            400,
        ),
        (
            [(":method", "GET"), (":scheme", "https"), (":path", "/ HTTP/1.1"), (":authority", NAME)],
            "target_malformed",
            400,
        ),
        (
            [(":method", "GET x"), (":scheme", "https"), (":path", "/"), (":authority", NAME)],
            "method_malformed",
            400,
        ),
        (
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "evil.example")],
            "misdirected",
            421,
        ),
        (
            [(":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", f"u@{NAME}")],
            "host_malformed",
            400,
        ),
    ],
    ids=str,
)
def test_bent_pseudo_fields_are_refused(
    web: Web, upstream: Upstream, pseudo: list[tuple[str, str]], reason: str, status: int
) -> None:
    """Method, scheme, path and authority are there, once, and what they have to be."""
    with http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, block(*pseudo)))
        if status == 400:
            assert client.refusal(1) == (400, PROTOCOL_ERROR)
        else:
            assert client.answer(1)[0] == status
    web.edge.wait_event("request_refused", site=NAME, reason=reason, status=status)
    assert upstream.requests == []


def test_requests_that_are_malformed_count_as_resets(web: Web, upstream: Upstream) -> None:
    """To make the edge reset a stream is as good as to reset it (CVE-2025-8671)."""
    with http2(web) as client:
        for stream in range(1, 1001, 2):
            client.send(get(stream, ("connection", "close")))
            while (found := client.read()) and (found.kind, found.stream) != (RST_STREAM, stream):
                pass
            if not found:
                break
        assert stream < 900
        assert_cut_off(web, client, "rapid_reset", ENHANCE_YOUR_CALM)
    assert upstream.requests == []


def test_a_stream_that_depends_on_itself_is_reset(web: Web, upstream: Upstream) -> None:
    """In HEADERS and in PRIORITY (RFC 7540 §5.3.1); on a stream that never was, all is over."""
    priority = (1).to_bytes(4) + b"\x0f"
    with http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM | 0x20, 1, priority + request()))
        assert client.wait(RST_STREAM, 1).code == PROTOCOL_ERROR
        upload = frame(HEADERS, END_HEADERS, 3, request(method="POST"))
        client.send(upload, frame(PRIORITY, 0, 3, (3).to_bytes(4) + b"\x0f"))
        assert client.wait(RST_STREAM, 3).code == PROTOCOL_ERROR
        client.send(get(5))
        assert client.answer(5) == (200, b"hello")
        client.send(frame(PRIORITY, 0, 7, (7).to_bytes(4) + b"\x0f"))
        assert_cut_off(web, client, "protocol_violated", PROTOCOL_ERROR)
    assert [it.path for it in upstream.requests if it.digest] == ["/"]


def test_a_body_that_is_malformed_beside_its_answer_is_told_from_a_server_s_fault(tmp_path: Path) -> None:
    """What breaks the rules is the request, also when the answer has begun or is whole already."""
    begun = threading.Event()

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
        begun.set()
        visit.socket.recv(1)

    head = frame(HEADERS, END_HEADERS, 1, request(("content-length", "1"), method="POST"))
    with web_before(tmp_path, answer) as (web, _), http2(web) as client:
        client.send(head)
        assert begun.wait(HANG_S)
        client.wait(DATA, 1)
        client.send(frame(DATA, END_STREAM, 1, b"xy"))
        assert client.wait(RST_STREAM, 1).code == PROTOCOL_ERROR
        web.edge.wait_event("request_refused", site=NAME, reason="body_malformed", status=0)


@pytest.mark.parametrize("body", [b"abc", b"abcdefgh"])
def test_a_body_that_belies_its_length_is_refused(web: Web, upstream: Upstream, body: bytes) -> None:
    """No server takes a short body for a whole one, or reads a long one as the next request."""
    head = request(("content-length", "5"), method="POST")
    with http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS, 1, head), frame(DATA, END_STREAM, 1, body))
        assert client.refusal(1) == (400, PROTOCOL_ERROR)
    web.edge.wait_event("request_refused", site=NAME, reason="body_malformed", status=400)
    assert [request for request in upstream.requests if request.digest] == []


def test_a_short_body_that_ends_in_trailers_is_refused(web: Web, upstream: Upstream) -> None:
    """Trailers end a body as END_STREAM does, and make no shorter one whole."""
    head = request(("content-length", "5"), method="POST")
    trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x-late", "1")))
    with http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS, 1, head), frame(DATA, 0, 1, b"abc"), trailers)
        assert client.refusal(1) == (400, PROTOCOL_ERROR)
    web.edge.wait_event("request_refused", site=NAME, reason="body_malformed", status=400)
    assert [request for request in upstream.requests if request.digest] == []


def test_an_expectation_goes_on_only_with_a_body(web: Web, upstream: Upstream) -> None:
    """Without a body there is nothing to wait for, and a server that did would wait for ever."""
    expecting = ("expect", "100-continue")
    with http2(web) as client:
        client.send(get(1, expecting))
        assert client.answer(1) == (200, b"hello")
        posted = frame(HEADERS, END_HEADERS, 3, request(expecting, method="POST"))
        client.send(posted, frame(DATA, END_STREAM, 3, b"abc"))
        assert client.answer(3) == (200, b"hello")
    assert [it.values("expect") for it in upstream.requests] == [[], ["100-continue"]]


def test_options_may_ask_for_the_whole_server(web: Web, upstream: Upstream) -> None:
    """`OPTIONS *` reaches the server as it was said (RFC 9110 §9.3.7)."""
    with http2(web) as client:
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(method="OPTIONS", path="*")))
        assert client.answer(1) == (200, b"hello")
    assert [request.line for request in upstream.requests] == ["OPTIONS * HTTP/1.1"]


def test_trailers_end_a_request_and_are_dropped(web: Web, upstream: Upstream) -> None:
    """Fields behind the body end it; pseudo-fields there are refused."""
    with http2(web) as client:
        trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, block(("x-late", "1")))
        client.send(UPLOAD, frame(DATA, 0, 1, b"abc"), trailers)
        assert client.answer(1) == (200, b"hello")
        late = frame(HEADERS, END_HEADERS | END_STREAM, 3, block((":path", "/evil")))
        client.send(frame(HEADERS, END_HEADERS, 3, request(method="POST")), late)
        assert client.refusal(3) == (400, PROTOCOL_ERROR)
    (first, *_) = upstream.requests
    assert (first.body, first.values("x-late")) == (b"abc", [])


@pytest.mark.machine
def test_a_drain_lets_open_streams_end(tmp_path: Path) -> None:
    """GOAWAY is said twice; a stream that was open, or under way, gets its answer."""
    turn = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.wait(turn.is_set)
        visit.send(plain_response(b"late"))

    with web_before(tmp_path, answer) as (web, upstream), http2(web) as client:
        client.send(get(1))
        wait_until(lambda: upstream.requests)
        web.edge.request("drain", timeout_ms=20000)
        warning = client.wait(GOAWAY)
        assert (warning.payload[:4], warning.code) == (b"\x7f\xff\xff\xff", NO_ERROR)
        ping = client.wait(PING)
        client.send(get(3), frame(PING, ACK, 0, ping.payload))
        final = client.wait(GOAWAY)
        assert (final.payload[:4], final.code) == ((3).to_bytes(4), NO_ERROR)
        turn.set()
        client.wait_end()
        bodies = {it.stream: it.payload for it in client.seen if it.kind == DATA}
        assert bodies == {1: b"late", 3: b"late"}
        assert web.edge.process.wait(HANG_S) == 0
