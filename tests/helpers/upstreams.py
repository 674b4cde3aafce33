"""Upstream servers for tests: raw HTTP/1.1 on loopback, saying exactly what a test wants."""

import contextlib
import hashlib
import io
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from port443.core.contract.snapshot import Server
from waiting import HANG_S, wait_until

DEADLINE_S = HANG_S
HOUR_S = 3600.0
MOST_KEPT = 1 << 16
"""Bytes of a body that are kept to be looked at; all of them are hashed."""


@dataclass
class Received:
    """One request, as it reached the server."""

    line: str
    fields: list[tuple[str, str]]
    connection: int
    """The number of the connection it came on, from 1."""
    length: int = 0
    body: bytes = b""
    digest: str = ""

    def values(self, name: str) -> list[str]:
        """Return the values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def value(self, name: str) -> str:
        """Return the value of a field that must be there once."""
        (value,) = self.values(name)
        return value

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


class _Tap(io.RawIOBase):
    """Reads a socket, and notes every byte that came."""

    def __init__(self, sock: socket.socket, note: Callable[[bytes], None]) -> None:
        self.socket = sock
        self.note = note

    def readable(self) -> bool:
        return True

    def readinto(self, room: Any) -> int:
        count = self.socket.recv_into(room)
        self.note(bytes(room[:count]))
        return count


class Visit:
    """One connection, from the server's side."""

    def __init__(
        self,
        sock: socket.socket,
        number: int,
        over: threading.Event,
        note: Callable[[int, bytes], None] | None = None,
    ) -> None:
        self.socket = sock
        self.number = number
        self.over = over
        """Set when the server ends."""
        tapped = _Tap(sock, lambda piece: note(number, piece)) if note else None
        self.file = io.BufferedReader(tapped) if tapped else sock.makefile("rb")

    def head(self) -> Received | None:
        """Read a request's head; None at the end of the connection."""
        line = self.file.readline()
        if not line:
            return None
        fields = []
        while (raw := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = raw.decode("latin-1").rstrip("\r\n").partition(": ")
            fields.append((name, value))
        return Received(line.decode("latin-1").rstrip("\r\n"), fields, self.number)

    def body(self, request: Received) -> Received:
        """Read the request's body, hash all of it and keep its beginning."""
        digest = hashlib.sha256()
        for piece in self.pieces(request):
            digest.update(piece)
            request.length += len(piece)
            request.body += piece[: MOST_KEPT - len(request.body)]
        request.digest = digest.hexdigest()
        return request

    def pieces(self, request: Received) -> Iterator[bytes]:
        """Read the request's body piece by piece, by its framing."""
        if request.values("transfer-encoding"):
            yield from self._chunks()
        else:
            yield from self._exactly(int((request.values("content-length") or ["0"])[0]))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.file.readline(), 16):
            yield from self._exactly(size)
            assert self.file.readline() == b"\r\n"
        assert self.file.readline() == b"\r\n"

    def _exactly(self, left: int) -> Iterator[bytes]:
        while left:
            piece = self.file.read(min(left, 1 << 18))
            if not piece:
                raise ConnectionError("the request's body ended early")
            left -= len(piece)
            yield piece

    def wait(self, is_due: Callable[[], bool]) -> None:
        """Wait for a condition for as long as the server is there; when it ends the connection does."""
        wait_until(lambda: self.over.is_set() or is_due(), HOUR_S)
        if self.over.is_set():
            raise ConnectionAbortedError("the server has ended")

    def send(self, *parts: bytes) -> None:
        """Send raw bytes."""
        self.socket.sendall(b"".join(parts))

    def reset(self) -> None:
        """End the connection by a reset instead of an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.file.close()
        self.socket.close()


Behaviour = Callable[[Visit, Received], None]
"""Answers one request whose head was read; whoever returns gets the next one."""


def plain_response(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    """Return a response of known length."""
    lines = [f"HTTP/1.1 {status}", *fields, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Frame pieces as chunks, with the last one."""
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def says(body: bytes, *fields: str, status: str = "200 OK") -> Behaviour:
    """Answer every request with the same response."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(plain_response(body, *fields, status=status))

    return answer


def says_raw(response: bytes, *, closes: bool = False) -> Behaviour:
    """Answer every request with the same bytes, and perhaps an end."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(response)
        if closes:
            visit.close()

    return answer


@dataclass
class Upstream:
    """A running server, and what it was asked."""

    behaviour: Behaviour
    listening: socket.socket
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    ended: list[int] = field(default_factory=list)
    """The numbers of the connections that have ended."""
    visits: list[Visit] = field(default_factory=list)
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    """The numbers of connections and what they received, byte for byte, when that is recorded."""
    is_recorded: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def server(self) -> Server:
        host, port = self.listening.getsockname()[:2]
        return Server(host, port)

    def serve(self) -> None:
        """Accept until the listening socket is closed."""
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            sock.settimeout(DEADLINE_S)
            # What is said is on its way, so that a test may rely on it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            visit = Visit(sock, self.connections, self.over, self._note if self.is_recorded else None)
            self.visits.append(visit)
            thread = threading.Thread(target=self._attend, args=(visit,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _note(self, number: int, piece: bytes) -> None:
        self.pieces.append((number, piece))

    def _attend(self, visit: Visit) -> None:
        # A connection that breaks is a part of many plays; what was received tells the test.
        with contextlib.suppress(OSError, ValueError):
            while (request := visit.head()) is not None:
                self.requests.append(request)
                self.behaviour(visit, request)
        visit.close()
        self.ended.append(visit.number)

    def close(self) -> None:
        """End the server and every connection of it."""
        self.over.set()
        with contextlib.suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for visit in self.visits:
            with contextlib.suppress(OSError):
                visit.socket.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running_upstream(
    behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0, *, is_recorded: bool = False
) -> Iterator[Upstream]:
    """Run a server on loopback, and perhaps keep every byte that it receives."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(128)
    upstream = Upstream(behaviour, listening, is_recorded=is_recorded)
    thread = threading.Thread(target=upstream.serve, daemon=True)
    thread.start()
    try:
        yield upstream
    finally:
        upstream.close()
        for each in (thread, *upstream.threads):
            each.join(DEADLINE_S)


@contextlib.contextmanager
def deaf_server() -> Iterator[Server]:
    """Give an address that answers no SYN: its queue is full, and nobody accepts."""
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(address)
        yield Server(*address)
