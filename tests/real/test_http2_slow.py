"""HTTP/2 clients that dawdle, stall or leave, frame by frame, and what becomes of their other streams."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from http2_frames import (
    CONNECTION_WINDOW,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    HEADERS,
    PING,
    RST_STREAM,
    STREAM_WINDOW,
    WINDOW_UPDATE,
    Http2,
    frame,
    get,
    http2,
    request,
)
from stopping import stopped
from upstreams import Received, Visit, chunked, plain_response, says
from waiting import HANG_S, wait_until
from web import NAME, Web, web_before

pytestmark = pytest.mark.machine

UPLOAD = frame(HEADERS, END_HEADERS, 1, request(method="POST"))
PIECE = bytes(16384)


def fill(client: Http2, stream: int) -> None:
    """Send a body until the windows are shut and stay so."""
    windows = {0: CONNECTION_WINDOW, stream: STREAM_WINDOW}
    silent = 0
    while silent < 20:
        while min(windows.values()) >= len(PIECE):
            client.send(frame(DATA, stream=stream, payload=PIECE))
            windows = {number: window - len(PIECE) for number, window in windows.items()}
        client.send(frame(PING, payload=bytes(8)))
        silent += 1
        while (found := client.read()) and found.kind != PING:
            if found.kind == WINDOW_UPDATE:
                windows[found.stream] += int.from_bytes(found.payload)
                silent = 0


def reset(client: Http2) -> None:
    """Break the first stream off."""
    client.send(frame(RST_STREAM, stream=1, payload=bytes(4)))


def hang_up(client: Http2) -> None:
    """Leave without a word."""
    client.tls.close()


def upstream_connections(web: Web) -> int:
    """Count the connections to servers that are open now."""
    count: int = web.edge.stats()["upstream"]["connections_open"]
    return count


@pytest.mark.parametrize("leave", [reset, hang_up])
def test_who_leaves_while_an_upload_is_stuck_cancels_it(
    tmp_path: Path, leave: Callable[[Http2], None]
) -> None:
    """Nobody waits for a server that takes no more, when the client has left."""
    turn = threading.Event()

    def take_nothing(visit: Visit, _request: Received) -> None:
        visit.wait(turn.is_set)

    with web_before(tmp_path, take_nothing) as (web, _), http2(web) as client:
        client.send(UPLOAD)
        fill(client, 1)
        assert upstream_connections(web) == 1
        leave(client)
        wait_until(lambda: upstream_connections(web) == 0)
        assert web.edge.stats()["upstream"]["failures"] == {}
        turn.set()


def test_a_paused_response_ends_alone(tmp_path: Path) -> None:
    """One shut window costs its stream; others go on, though the window for all is shut at times."""
    enough = threading.Event()

    def pieces() -> Iterator[bytes]:
        while not enough.is_set():
            yield PIECE

    def answer(visit: Visit, request: Received) -> None:
        if request.path == "/":
            visit.send(plain_response(PIECE * 4))
            return
        visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in chunked(pieces()):
            visit.send(part)

    with (
        web_before(tmp_path, answer, body_timeout_ms=1500) as (web, _),
        http2(web, initial_window_size=len(PIECE)) as client,
    ):
        client.send(get(1))
        client.wait(DATA, 1)
        client.send(
            frame(HEADERS, END_HEADERS | END_STREAM, 3, request(path="/moving")),
            frame(WINDOW_UPDATE, stream=3, payload=(1 << 30).to_bytes(4)),
        )
        # For half the time the other one moves; then its window, which is that for all, is shut.
        end = time.monotonic() + 0.7
        while time.monotonic() < end and (found := client.read()):
            if found.kind == DATA:
                client.send(frame(WINDOW_UPDATE, payload=len(found.payload).to_bytes(4)))
        client.wait(RST_STREAM, 1)
        client.send(frame(WINDOW_UPDATE, payload=(1 << 20).to_bytes(4)))
        enough.set()
        while (found := client.read()) and not (found.kind == DATA and found.flags & END_STREAM):
            client.send(frame(WINDOW_UPDATE, payload=(1 << 16).to_bytes(4)))
        assert found
        assert web.edge.stats()["http2_cutoffs"] == {}


def test_paused_responses_one_after_the_other_are_cut_off(tmp_path: Path) -> None:
    """A stream that waits for its server is no excuse for any number that wait for their client."""
    turn = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        if request.path == "/slow":
            visit.wait(turn.is_set)
        visit.send(plain_response(b"x" * 9))

    with (
        web_before(tmp_path, answer, body_timeout_ms=100) as (web, _),
        http2(web, initial_window_size=0) as client,
    ):
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, request(path="/slow")))
        for stream in itertools.count(3, 2):
            client.send(get(stream))
            while (found := client.read()) and (found.kind, found.stream) != (RST_STREAM, stream):
                pass
            if not found:
                break
        assert stream == 3 + 2 * 9
        assert client.wait_end().code == ENHANCE_YOUR_CALM
        web.edge.wait_event("http2_cut_off", site=NAME, reason="window_stalled")
        wait_until(lambda: upstream_connections(web) == 0)
        turn.set()


def test_a_stalled_upload_is_refused_and_others_go_on(tmp_path: Path) -> None:
    """A body that falls silent is answered with 408 after its time; the connection stays."""
    with (
        web_before(tmp_path, says(b"hello"), body_timeout_ms=300) as (web, upstream),
        http2(web) as client,
    ):
        client.send(UPLOAD, frame(DATA, stream=1, payload=b"half"), get(3))
        assert client.answer(3) == (200, b"hello")
        assert client.answer(1)[0] == 408
        web.edge.wait_event("request_refused", site=NAME, reason="body_timeout", status=408)
        client.send(get(5))
        assert client.answer(5) == (200, b"hello")
    assert [request.line for request in upstream.requests if request.digest] == ["GET / HTTP/1.1"] * 2


@pytest.mark.slow
def test_a_reader_may_be_slow_for_as_long_as_it_reads(tmp_path: Path) -> None:
    """One piece of a body may take longer than the longest silence, when some of it goes all the time."""
    body, window, silence_s = bytes(8192), 128, 1.0
    with (
        web_before(tmp_path, says(body), body_timeout_ms=round(silence_s * 1000)) as (web, _),
        http2(web, initial_window_size=window) as client,
    ):
        began = time.monotonic()
        client.send(get(1))
        came = 0
        while came < len(body):
            piece = client.wait(DATA, 1)
            came += len(piece.payload)
            # Far from the longest silence each time, and beyond it together.
            threading.Event().wait(1.5 * silence_s * len(piece.payload) / len(body))
            client.send(frame(WINDOW_UPDATE, stream=1, payload=len(piece.payload).to_bytes(4)))
        assert time.monotonic() - began > silence_s
        assert client.seen[-1].flags & END_STREAM


def test_a_client_is_heard_after_much_was_sent_at_once(tmp_path: Path) -> None:
    """More than may wait for the socket stops the listening, and its way out begins it again."""
    turn, said, answered = threading.Event(), threading.Semaphore(0), threading.Event()
    hint = b"HTTP/1.1 103 Early Hints\r\nX: " + b"x" * 12000 + b"\r\n\r\n"

    def answer(visit: Visit, _request: Received) -> None:
        visit.wait(turn.is_set)
        visit.send(hint * 4)
        said.release()
        visit.wait(answered.is_set)

    # No timer of the connection's may come to help.
    with web_before(tmp_path, answer, header_timeout_ms=60000) as (web, upstream), http2(web) as client:
        client.send(*(get(stream) for stream in range(1, 9, 2)))
        wait_until(lambda: len(upstream.requests) == 4)
        # Stopped, it finds all hints and the ping at once when it goes on.
        with stopped(web.edge.process.pid):
            turn.set()
            assert all(said.acquire(timeout=HANG_S) for _ in range(4))
            client.send(frame(PING, payload=b"answer, "))
        assert client.wait(PING).payload == b"answer, "
        answered.set()


@pytest.mark.parametrize(
    "beginning",
    [get(3)[:5], get(3)[:20], frame(HEADERS, 0, 3, request())],
    ids=["of a frame's header", "of a frame", "of a block"],
)
def test_a_header_that_does_not_end_is_cut_off(tmp_path: Path, beginning: bytes) -> None:
    """A header has its time, whatever else is going on there."""
    turn = threading.Event()

    def answer(visit: Visit, _request: Received) -> None:
        visit.wait(turn.is_set)

    with web_before(tmp_path, answer, header_timeout_ms=300) as (web, upstream), http2(web) as client:
        client.send(get(1))
        wait_until(lambda: upstream.requests)
        client.send(beginning)
        assert client.wait_end().code == ENHANCE_YOUR_CALM
        web.edge.wait_event("http2_cut_off", site=NAME, reason="header_timeout")
        assert web.edge.stats()["http2_cutoffs"] == {"header_timeout": 1}
        turn.set()


def test_each_header_has_its_own_time(tmp_path: Path) -> None:
    """A client that is always in the middle of some frame is in nobody's way."""
    with web_before(tmp_path, says(b"hello"), header_timeout_ms=1000) as (web, _):
        for _ in range(10):
            with http2(web) as client:
                longest_s = always_in_a_frame(client, 1.2)
            if longest_s is None:
                return
            assert longest_s > 0.9, "no frame took the client as long as it may"
        pytest.fail("this machine let no client send without a pause of a second")


def always_in_a_frame(client: Http2, seconds: float) -> float | None:
    """Send requests that overlap; where the connection ends, return how long the slowest frame took."""
    client.send(get(1)[:20])
    begun = sent = time.monotonic()
    longest_s = 0.0
    for stream in itertools.count(1, 2):
        client.send(get(stream)[20:], get(stream + 2)[:20])
        longest_s, sent = max(longest_s, time.monotonic() - sent), time.monotonic()
        try:
            assert client.answer(stream) == (200, b"hello")
        except AssertionError:
            if client.read():
                raise
            return max(longest_s, time.monotonic() - sent)
        if sent > begun + seconds:
            return None
    raise AssertionError("the numbers of streams have no end")


def test_a_slow_frame_of_a_body_is_its_streams_affair(tmp_path: Path) -> None:
    """It falls under the body's time and costs its stream alone."""
    limits = {"header_timeout_ms": 100, "body_timeout_ms": 400}
    with web_before(tmp_path, says(b"hello"), **limits) as (web, _), http2(web) as client:
        piece = frame(DATA, stream=1, payload=PIECE)
        client.send(UPLOAD, piece[:100])
        assert client.answer(1)[0] == 408
        client.send(piece[100:], get(3))
        assert client.answer(3) == (200, b"hello")
        assert web.edge.stats()["http2_cutoffs"] == {}
