"""The ClientHello (RFC 8446 §4.1.2, RFC 5246 §7.4.1.2, RFC 6101 §5.6.1.2)."""

from dataclasses import dataclass

from port443.core.wire.extensions import Extension, encode_extensions, parse_extensions
from port443.core.wire.reading import Malformed, Reader, numbers, vector
from port443.core.wire.records import ContentType, Message, records
from port443.core.wire.versions import Version

CLIENT_HELLO = 1
RANDOM = 32


@dataclass(frozen=True, slots=True)
class ClientHello:
    """The offer of a client. `extensions=None` leaves the block out, as SSLv3 had none."""

    version: int
    random: bytes
    suites: tuple[int, ...]
    session_id: bytes = b""
    compressions: tuple[int, ...] = (0,)
    extensions: tuple[Extension, ...] | None = ()

    def message(self) -> bytes:
        """Write the handshake message, as the transcript takes it."""
        body = self.version.to_bytes(2) + self.random + vector(1, self.session_id)
        body += numbers(2, self.suites) + numbers(1, self.compressions, each=1)
        if self.extensions is not None:
            body += encode_extensions(self.extensions)
        return Message(CLIENT_HELLO, body).encode()

    def encode(self, *, is_second: bool = False) -> bytes:
        """Write the records. A first hello's name TLS 1.0, since old servers balk at more (RFC 8446 §5.1)."""
        named = self.version if is_second else min(self.version, Version.TLS_1_0)
        return records(ContentType.HANDSHAKE, named, self.message())

    @classmethod
    def parse(cls, message: bytes) -> "ClientHello":
        """Read a handshake message back."""
        outer = Reader(message, "the ClientHello")
        if outer.number(1) != CLIENT_HELLO:
            raise Malformed("the message is no ClientHello")
        body = Reader(outer.vector(3), "the ClientHello")
        outer.end()
        version, random, session_id = body.number(2), body.take(RANDOM), body.vector(1)
        suites, compressions = body.numbers(2), body.numbers(1, each=1)
        extensions = parse_extensions(body.vector(2), "the ClientHello") if body.left else None
        body.end()
        return cls(version, random, suites, session_id, compressions, extensions)
