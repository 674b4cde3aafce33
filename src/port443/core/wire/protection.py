"""Protected records of TLS 1.3 (RFC 8446 §5.2): open the server's, seal the client's."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Record
from port443.core.wire.schedule import NONCE, Suite13, TrafficKeys
from port443.core.wire.versions import Version


class Protector:
    """One direction of a connection: its keys and its count of records."""

    def __init__(self, suite: Suite13, keys: TrafficKeys) -> None:
        self._mask = int.from_bytes(keys.mask)
        self._count = 0
        self._tag_size = suite.tag_size
        self._aead = _aead(suite, keys.key)

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


def _aead(suite: Suite13, key: bytes) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if suite.aead == "AES-GCM":
        return AESGCM(key)
    if suite.aead == "AES-CCM":
        return AESCCM(key, tag_length=suite.tag_size)
    return ChaCha20Poly1305(key)
