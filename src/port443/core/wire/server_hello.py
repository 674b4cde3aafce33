"""The ServerHello and the HelloRetryRequest (RFC 8446 §4.1.3, §4.1.4)."""

from dataclasses import dataclass

from port443.core.wire.client_hello import RANDOM
from port443.core.wire.extensions import (
    Extension,
    ExtensionType,
    encode_extensions,
    find,
    parse_extensions,
    read_alpn,
    read_number,
    read_server_key_share,
)
from port443.core.wire.reading import Malformed, Reader, vector
from port443.core.wire.records import Message

SERVER_HELLO = 2
# SHA-256 of "HelloRetryRequest" (RFC 8446 §4.1.3).
RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True, slots=True)
class ServerHello:
    """The server's choice from a ClientHello."""

    legacy_version: int
    random: bytes
    session_id: bytes
    suite: int
    compression: int
    extensions: tuple[Extension, ...] | None

    @classmethod
    def parse(cls, body: bytes) -> "ServerHello":
        """Read the body of the handshake message, and the extensions that are used here."""
        reader = Reader(body, "the ServerHello")
        version, random, session_id = reader.number(2), reader.take(RANDOM), reader.vector(1)
        suite, compression = reader.number(2), reader.number(1)
        block = reader.vector(2) if reader.left else None
        reader.end()
        if len(session_id) > 32:
            raise Malformed(f"the ServerHello has a session id of {len(session_id)} bytes")
        extensions = None if block is None else parse_extensions(block, "the ServerHello")
        return cls(version, random, session_id, suite, compression, extensions)

    def message(self) -> bytes:
        """Write the handshake message."""
        body = self.legacy_version.to_bytes(2) + self.random + vector(1, self.session_id)
        body += self.suite.to_bytes(2) + bytes((self.compression,))
        if self.extensions is not None:
            body += encode_extensions(self.extensions)
        return Message(SERVER_HELLO, body).encode()

    def extension(self, kind: ExtensionType) -> bytes | None:
        """Return the body of an extension, or None when the server sent none."""
        return find(self.extensions or (), kind)

    @property
    def version(self) -> int:
        """The chosen version, from the extension or the header."""
        chosen = self.extension(ExtensionType.SUPPORTED_VERSIONS)
        return self.legacy_version if chosen is None else read_number(chosen, "the chosen version")

    @property
    def is_retry(self) -> bool:
        return self.random == RETRY_RANDOM

    @property
    def group(self) -> int | None:
        """The group of TLS 1.3: of the server's key share, or the one that a retry requests."""
        body = self.extension(ExtensionType.KEY_SHARE)
        if body is None:
            return None
        return read_number(body, "the group asked for") if self.is_retry else read_server_key_share(body)[0]

    @property
    def public_key(self) -> bytes | None:
        """The server's public key of TLS 1.3."""
        body = self.extension(ExtensionType.KEY_SHARE)
        return None if body is None or self.is_retry else read_server_key_share(body)[1]

    @property
    def alpn(self) -> str | None:
        body = self.extension(ExtensionType.ALPN)
        return None if body is None else read_alpn(body)
