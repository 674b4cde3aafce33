"""The record layer in clear (RFC 8446 §5.1, RFC 5246 §6.2), and the messages inside."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from port443.core.wire.greetings import STARTTLS, greeting
from port443.core.wire.reading import Malformed, NotTLS, vector

HEADER = 5
MAX_FRAGMENT = 2**14 + 2048  # TLS 1.2 lets a protected fragment grow by so much (RFC 5246 §6.2.3)
MAX_PLAIN = 2**14
MAX_MESSAGE = 2**17  # no handshake message of a sane server comes near; a chain of 100 KB is odd
MAJOR = 3


class ContentType(IntEnum):
    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23
    HEARTBEAT = 24


KINDS = frozenset(int(kind) for kind in ContentType)


@dataclass(frozen=True, slots=True)
class Record:
    """One record, protected or not, as received."""

    kind: ContentType
    version: int
    fragment: bytes

    @property
    def header(self) -> bytes:
        return bytes((self.kind,)) + self.version.to_bytes(2) + len(self.fragment).to_bytes(2)

    def encode(self) -> bytes:
        return self.header + self.fragment


def records(kind: ContentType, version: int, content: bytes) -> bytes:
    """Write `content` as one record, or as several when it is long."""
    parts = [content[at : at + MAX_PLAIN] for at in range(0, len(content), MAX_PLAIN)] or [b""]
    return b"".join(Record(kind, version, part).encode() for part in parts)


class RecordBuffer:
    """Bytes in as they come, whole records out."""

    __slots__ = ("_at", "_pending")

    def __init__(self) -> None:
        self._pending = b""
        self._at = 0

    def receive(self, octets: bytes) -> Iterator[Record]:
        """Add received bytes and return every complete record."""
        # The buffer is trimmed here and not after each record: many small records would be quadratic.
        self._pending, self._at = self._pending[self._at :] + octets, 0
        while len(head := self._pending[self._at : self._at + HEADER]) == HEADER:
            kind, length = self._header(head)
            begin, end = self._at + HEADER, self._at + HEADER + length
            if len(self._pending) < end:
                return
            self._at = end
            yield Record(kind, int.from_bytes(head[1:3]), self._pending[begin:end])

    def _header(self, head: bytes) -> tuple[ContentType, int]:
        kind, major, length = head[0], head[1], int.from_bytes(head[3:5])
        if kind not in KINDS or major != MAJOR:
            raise _not_tls(head)
        if length > MAX_FRAGMENT:
            raise Malformed(f"a record of {length} bytes was announced, {MAX_FRAGMENT} are allowed")
        return ContentType(kind), length


def _not_tls(octets: bytes) -> NotTLS:
    name = greeting(octets)
    if name is None:
        return NotTLS(f"the answer starts with {octets[:HEADER].hex(' ')}, which is no TLS record")
    hint = "it may switch to TLS by STARTTLS, which is not done here" if name in STARTTLS else ""
    return NotTLS(f"the port speaks {name}", hint)


@dataclass(frozen=True, slots=True)
class Message:
    """One handshake message (RFC 8446 §4), with its bytes for the transcript."""

    kind: int
    body: bytes

    def encode(self) -> bytes:
        return bytes((self.kind,)) + vector(3, self.body)


class MessageBuffer:
    """Fragments in, whole handshake messages out."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = b""

    @property
    def is_empty(self) -> bool:
        return not self._pending

    def receive(self, fragment: bytes) -> Iterator[Message]:
        """Add a fragment and return every complete message."""
        self._pending += fragment
        while len(self._pending) >= 4:
            length = int.from_bytes(self._pending[1:4])
            if length > MAX_MESSAGE:
                raise Malformed(f"a handshake message of {length} bytes was announced")
            if len(self._pending) < 4 + length:
                return
            message = Message(self._pending[0], self._pending[4 : 4 + length])
            self._pending = self._pending[4 + length :]
            yield message
