"""Protected records: open the server's, seal the client's."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Record
from port443.core.wire.schedule import NONCE, Suite13, TrafficKeys
from port443.core.wire.schedule_12 import Keys12, Suite12
from port443.core.wire.versions import Version

TAG = 16


class Protector:
    """One direction of a TLS 1.3 connection: its keys and its count of records (RFC 8446 §5.2)."""

    def __init__(self, suite: Suite13, keys: TrafficKeys) -> None:
        self._mask = int.from_bytes(keys.mask)
        self._count = 0
        self._tag_size = suite.tag_size
        self._aead = _aead(suite.aead, keys.key, suite.tag_size)

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the inner type and content of a record that the server protected."""
        try:
            inner = self._aead.decrypt(self._nonce(), record.fragment, record.header)
        except InvalidTag as error:
            raise Malformed("a protected record of the server does not decrypt") from error
        content = inner.rstrip(b"\x00")
        if not content:
            raise Malformed("a protected record of the server has no content type")
        return content[-1], content[:-1]

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        """Write one protected record."""
        inner = content + bytes((kind,))
        size = len(inner) + self._tag_size
        head = bytes((ContentType.APPLICATION_DATA,)) + Version.TLS_1_2.to_bytes(2) + size.to_bytes(2)
        return head + self._aead.encrypt(self._nonce(), inner, head)

    def _nonce(self) -> bytes:
        nonce = (self._mask ^ self._count).to_bytes(NONCE)
        self._count += 1
        return nonce


class Protector12:
    """One direction of a TLS 1.2 connection with an AEAD cipher (RFC 5246 §6.2.3.3)."""

    def __init__(self, suite: Suite12, keys: Keys12) -> None:
        self._mask = keys.mask
        self._explicit = NONCE - suite.mask_size
        self._count = 0
        self._aead = _aead(suite.aead, keys.key, TAG)

    def open(self, record: Record) -> bytes:
        """Return the content of a record that the server protected."""
        shown, sealed = record.fragment[: self._explicit], record.fragment[self._explicit :]
        if len(shown) < self._explicit or len(sealed) < TAG:
            raise Malformed(f"a protected record of the server has {len(record.fragment)} bytes")
        data = self._header(record.kind, len(sealed) - TAG)
        try:
            return self._aead.decrypt(self._nonce(shown), sealed, data)
        except InvalidTag as error:
            raise Malformed("a protected record of the server does not decrypt") from error

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        """Write one protected record."""
        data = self._header(kind, len(content))
        shown = self._count.to_bytes(8)[: self._explicit]
        fragment = shown + self._aead.encrypt(self._nonce(shown), content, data)
        return Record(kind, Version.TLS_1_2, fragment).encode()

    def _header(self, kind: ContentType, size: int) -> bytes:
        head = self._count.to_bytes(8) + bytes((kind,))
        return head + Version.TLS_1_2.to_bytes(2) + size.to_bytes(2)

    def _nonce(self, shown: bytes) -> bytes:
        """Put mask and shown part side by side (RFC 5288 §3), or mask the count (RFC 7905 §2)."""
        nonce = self._mask + shown
        if not shown:
            nonce = (int.from_bytes(self._mask) ^ self._count).to_bytes(NONCE)
        self._count += 1
        return nonce


def _aead(name: str, key: bytes, tag_size: int) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if name == "AES-GCM":
        return AESGCM(key)
    if name == "AES-CCM":
        return AESCCM(key, tag_length=tag_size)
    return ChaCha20Poly1305(key)
