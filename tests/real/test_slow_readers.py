"""Who takes or brings next to nothing costs the edge a small, fixed amount of memory."""

import contextlib
import functools
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from http2_frames import (
    DATA,
    END_HEADERS,
    HEADERS,
    PREFACE,
    STREAM_WINDOW,
    WINDOW_UPDATE,
    frame,
    get,
    request,
    settings,
)
from slow_peers import BODY, BODY_BYTES, STAND_STILL_S, Sink, Source, Wall, client, stands_still
from waiting import wait_until
from web import NAME, Web, client_context, running_web

pytestmark = pytest.mark.machine

CLIENTS = int(os.environ.get("SLOW_CLIENTS", "300"))
"""With 2,000 the kernel's memory for TCP runs short and other tests fail: those are for a run alone."""
MOST_BYTES = (64 << 20) * CLIENTS // 2000 + (24 << 20) * (CLIENTS < 2000)
"""64 MiB in all for 2,000; fewer have their share, and what the edge has of itself and for the first."""
FIGURES = os.environ.get("SLOW_FIGURES", "")
"""The file, if any, that takes down what the edge held."""
ROUNDS = 3
"""How often each takes or brings a byte: a second is longer than what they come to lasts."""
WIDEST = (1 << 31) - 1
FRAME_BYTES = RECORD_BYTES = 1 << 14
"""The longest payload of a frame of HTTP/2, and of a record of TLS."""
ASKING = {
    "http/1.1": f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode(),
    # Windows as wide as they get: nothing but the reading holds the response back.
    "h2": PREFACE
    + settings(initial_window_size=WIDEST)
    + frame(WINDOW_UPDATE, payload=(WIDEST - 65535).to_bytes(4, "big"))
    + get(1),
}
POST = {
    "http/1.1": f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: {BODY_BYTES}\r\n\r\n".encode(),
    "http/1.1 chunked": f"POST / HTTP/1.1\r\nHost: {NAME}\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
    "h2": PREFACE + settings() + frame(HEADERS, END_HEADERS, 1, request(method="POST")),
}
LONG_DATA = frame(DATA, stream=1, payload=b"x" * FRAME_BYTES)
HEADER = frame(HEADERS, END_HEADERS, 1, request(("x-long", "x" * 1000)))
UNFINISHED = {
    "http/1.1 header": f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-Long: ".encode() + b"x" * 1000,
    "http/1.1 body": POST["http/1.1"],
    # All but the end of a frame: no part of it means anything yet.
    "h2 header": PREFACE + settings() + HEADER[: -2 * ROUNDS],
    "h2 body": POST["h2"] + LONG_DATA[: -2 * ROUNDS],
}
UPLOAD = {
    "http/1.1": (BODY * FRAME_BYTES, BODY_BYTES // FRAME_BYTES),
    "http/1.1 chunked": (b"%x\r\n" % FRAME_BYTES + BODY * FRAME_BYTES + b"\r\n", BODY_BYTES // FRAME_BYTES),
    # As much as its window lets through.
    "h2": (frame(DATA, stream=1, payload=BODY * FRAME_BYTES), STREAM_WINDOW // FRAME_BYTES),
}
"""A piece of a body in its frame, and the most of them."""
STRANGERS = {
    "connections_per_address": CLIENTS + 1000,
    "handshakes_per_second": CLIENTS * 10,
    "handshakes_burst": CLIENTS * 10,
    "header_timeout_ms": 600_000,
    "body_timeout_ms": 600_000,
    "request_timeout_ms": 600_000,
}


@contextlib.contextmanager
def crowd(web: Web, protocol: str, first: bytes) -> Iterator[list[ssl.SSLSocket]]:
    """Open a connection for each client, and send these bytes on it."""
    context = client_context(web, protocol)
    with contextlib.ExitStack() as held:
        yield [held.enter_context(client(web, context, first)) for _ in range(CLIENTS)]


def judge(web: Web, what: str) -> None:
    """See that all are served, and what that costs; note it where somebody wants to know."""
    stats = web.edge.stats()
    assert stats["connections"]["open"] == CLIENTS
    resident = stats["memory"]["resident_bytes"]
    if FIGURES:
        with Path(FIGURES).open("a") as figures:
            figures.write(f"{what}\t{resident / (1 << 20):.1f}\n")
    assert resident < MOST_BYTES, f"{resident / (1 << 20):.1f} MiB"


@pytest.mark.slow
@pytest.mark.parametrize("protocol", ASKING)
def test_slow_readers_hold_little_each(tmp_path: Path, protocol: str) -> None:
    """Clients that read a byte at a time of 100 MiB each leave the whole edge within its bound."""
    with (
        Source() as source,
        running_web(tmp_path, source.server, limits=STRANGERS) as web,
        crowd(web, protocol, ASKING[protocol]) as readers,
    ):
        for _ in range(ROUNDS):
            assert all(tls.recv(1) for tls in readers)
            wait_until(lambda: stands_still(web, "sent"), STAND_STILL_S)
            judge(web, f"read a response, {protocol}")


def has_brought(web: Web, whole: int) -> bool:
    """Whether so many bytes have come from all clients together."""
    return bool(web.edge.stats()["bytes"]["received"] >= whole)


@pytest.mark.slow
@pytest.mark.parametrize("what", UNFINISHED)
def test_slow_writers_hold_little_each(tmp_path: Path, what: str) -> None:
    """Clients that bring a byte at a time of what is long leave the whole edge within its bound."""
    first = UNFINISHED[what]
    with (
        Sink() as sink,
        running_web(tmp_path, sink.server, limits=STRANGERS) as web,
        crowd(web, what.split(maxsplit=1)[0], first) as writers,
    ):
        for brought in range(1, ROUNDS + 1):
            for tls in writers:
                tls.sendall(b"x")
            whole = CLIENTS * (len(first) + brought)
            wait_until(functools.partial(has_brought, web, whole), within_s=STAND_STILL_S)
            judge(web, f"write, {what}")


class Upload:
    """A body on its way, as far as there is room for it; its records do not end where its frames do."""

    def __init__(self, tls: ssl.SSLSocket, piece: bytes, most: int) -> None:
        tls.settimeout(0)
        self._tls = tls
        self._piece = piece
        self._most = most
        self._sent = 0

    def push(self) -> bool:
        """Send what there is room for; whether there was some."""
        before = self._sent
        with contextlib.suppress(ssl.SSLWantWriteError):
            while record := self._next_record():
                self._sent += self._tls.send(record)
        return self._sent > before

    def _next_record(self) -> bytes:
        start = self._sent % len(self._piece)
        left = len(self._piece) * self._most - self._sent
        return (self._piece * 2)[start : start + min(RECORD_BYTES, left)]

    @property
    def is_whole(self) -> bool:
        return self._sent == len(self._piece) * self._most

    def end_soon(self) -> int:
        """Send nothing after the frame that has the end of the next record; return the body's length."""
        self._most = min(self._most, (self._sent + RECORD_BYTES) // len(self._piece) + 1)
        return self._most * FRAME_BYTES


@pytest.mark.slow
@pytest.mark.parametrize("what", UPLOAD)
def test_stuck_uploads_hold_little_each(tmp_path: Path, what: str) -> None:
    """Uploads of which the server takes nothing leave the whole edge within its bound, and go on."""
    with (
        Wall() as wall,
        running_web(tmp_path, wall.server, limits=STRANGERS) as web,
        crowd(web, what.split(maxsplit=1)[0], POST[what]) as clients,
    ):
        uploads = [Upload(tls, *UPLOAD[what]) for tls in clients]
        wait_until(functools.partial(are_stuck, web, uploads), within_s=STAND_STILL_S)
        wait_until(lambda: web.edge.stats()["connections"]["open"] == CLIENTS)
        judge(web, f"upload what no server takes, {what}")
        if what == "h2" and all(upload.is_whole for upload in uploads):
            pytest.skip("this machine's socket buffers take all that a stream's window lets through")
        # The windows of the first ones are taken before memory is scarce.
        assert sum(upload.is_whole for upload in uploads) < CLIENTS / 4
        whole = sum(upload.end_soon() for upload in uploads)
        wall.open()
        wait_until(functools.partial(are_whole, wall, uploads, whole), within_s=STAND_STILL_S)


def are_stuck(web: Web, uploads: list[Upload]) -> bool:
    """Whether no upload has moved while another client had its whole handshake."""
    before = web.edge.stats()["bytes"]["received"]
    is_full = not sum(upload.push() for upload in uploads)
    with web.connected():
        return is_full and bool(web.edge.stats()["bytes"]["received"] == before)


def are_whole(wall: Wall, uploads: list[Upload], whole: int) -> bool:
    """Whether the server has got all of each upload, with as much sent now as there is room for."""
    return not sum(upload.push() for upload in uploads) and wall.taken == whole
