"""A client that speaks HTTP/2 in raw frames, so that a test can say what no library would."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from web import NAME, Web

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
PADDED = 0x8
NO_ERROR, PROTOCOL_ERROR, _, FLOW_CONTROL_ERROR, _, STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM = range(8)
COMPRESSION_ERROR = 0x9
ENHANCE_YOUR_CALM = 0xB
STREAM_WINDOW, CONNECTION_WINDOW = 1 << 18, 1 << 20
"""What the edge lets a client send at first: on a stream, on all of them."""


@dataclass
class Frame:
    """One frame, as it came."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM or GOAWAY."""
        return int.from_bytes(self.payload[-4:] if self.kind == RST_STREAM else self.payload[4:8])


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """Write a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values: int) -> bytes:
    """Write a SETTINGS frame."""
    numbers = {"initial_window_size": 4, "max_frame_size": 5, "enable_push": 2}
    return frame(
        SETTINGS, payload=b"".join(struct.pack(">HI", numbers[key], it) for key, it in values.items())
    )


def block(*fields: tuple[str, str]) -> bytes:
    """Write fields as literals, neither indexed nor Huffman-coded (RFC 7541 §6.2.2)."""
    return b"".join(b"\0" + _string(name) + _string(value) for name, value in fields)


def _string(text: str) -> bytes:
    raw = text.encode("latin-1")
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    left, out = len(raw) - 127, b"\x7f"
    while left >= 128:
        out, left = out + bytes([left % 128 + 128]), left // 128
    return out + bytes([left]) + raw


def request(*more: tuple[str, str], method: str = "GET", path: str = "/", host: str = NAME) -> bytes:
    """Write the header block of a request."""
    pseudo = ((":method", method), (":scheme", "https"), (":path", path), (":authority", host))
    return block(*pseudo, *more)


def get(stream: int, *more: tuple[str, str]) -> bytes:
    """Write a whole GET request."""
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, request(*more))


@dataclass
class Http2:
    """A connection after its handshake."""

    tls: ssl.SSLSocket
    seen: list[Frame] = field(default_factory=list)

    def send(self, *frames: bytes) -> None:
        """Send frames; the other side may have hung up already."""
        with contextlib.suppress(OSError):
            self.tls.sendall(b"".join(frames))

    def greet(self, **values: int) -> None:
        """Send the preface and settings."""
        self.send(PREFACE, settings(**values))

    def read(self) -> Frame | None:
        """Read a frame; nothing at the end of the connection."""
        try:
            head = self._exactly(9)
            found = Frame(
                head[3],
                head[4],
                int.from_bytes(head[5:]) & 0x7FFFFFFF,
                self._exactly(int.from_bytes(head[:3])),
            )
        except (EOFError, ConnectionError, ssl.SSLError):
            return None
        self.seen.append(found)
        return found

    def wait(self, kind: int, stream: int | None = 0) -> Frame:
        """Read up to the first frame of that kind on that stream, or on any."""
        while found := self.read():
            if found.kind == kind and stream in {found.stream, None}:
                return found
        raise AssertionError(f"the connection ended without frame {kind}: {self.seen[-5:]}")

    def wait_end(self) -> Frame:
        """Read up to the end of the connection and return the last GOAWAY."""
        while self.read():
            pass
        goodbyes = [it for it in self.seen if it.kind == GOAWAY]
        assert goodbyes, self.seen[-5:]
        return goodbyes[-1]

    def answer(self, stream: int) -> tuple[int, bytes]:
        """Read a response up to its end: its status and body."""
        *pieces, last = self._response(stream)
        assert last.kind != RST_STREAM, last
        return _status_and_body([*pieces, last])

    def refusal(self, stream: int) -> tuple[int, int]:
        """Read a response that a reset follows, and no end: its status, and the reset's code."""
        *pieces, last = self._response(stream)
        assert last.kind == RST_STREAM, last
        return _status_and_body(pieces)[0], last.code

    def _response(self, stream: int) -> list[Frame]:
        """Read what comes on a stream up to its end."""
        found: list[Frame] = []
        while piece := self.read():
            if piece.stream != stream or piece.kind == WINDOW_UPDATE:
                continue
            found.append(piece)
            if piece.kind == RST_STREAM or piece.flags & END_STREAM:
                return found
        raise AssertionError(f"the connection ended: {self.seen[-5:]}")

    def _exactly(self, count: int) -> bytes:
        piece = b""
        while len(piece) < count:
            more = self.tls.recv(count - len(piece))
            if not more:
                raise EOFError
            piece += more
        return piece


def _status_and_body(pieces: list[Frame]) -> tuple[int, bytes]:
    """Read a response; of several heads the last one is the final response's, or its trailers'."""
    assert {it.kind for it in pieces} <= {HEADERS, DATA}, pieces
    heads = [it.payload for it in pieces if it.kind == HEADERS]
    return status_of(heads[-1]), b"".join(it.payload for it in pieces if it.kind == DATA)


def status_of(head: bytes) -> int:
    """Read the status at the start of a header block, behind a change of the table's size."""
    head = head.removeprefix(b"\x20")
    known = {0x88: 200, 0x89: 204, 0x8A: 206, 0x8B: 304, 0x8C: 400, 0x8D: 404, 0x8E: 500}
    return known.get(head[0]) or int(head[2:5])


@contextlib.contextmanager
def http2(web: Web, **values: int) -> Iterator[Http2]:
    """Open a connection and greet."""
    with web.connected(NAME, "h2") as tls:
        tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client = Http2(tls)
        client.greet(**values)
        yield client
