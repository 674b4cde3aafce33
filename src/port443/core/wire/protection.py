"""Protected records: open the server's, seal the client's."""

import hashlib
import hmac
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

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


class Protect12(Protocol):
    """One direction of a connection up to TLS 1.2."""

    def open(self, record: Record) -> bytes:
        """Return the content of a record that the server protected."""
        ...

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        """Write one protected record."""
        ...


def protector_12(suite: Suite12, keys: Keys12, version: int) -> Protect12:
    """Return what protects one direction with these keys."""
    return Protector12(suite, keys) if suite.mac is None else BlockProtector(suite, keys, version)


class Protector12:
    """One direction of a TLS 1.2 connection with an AEAD cipher (RFC 5246 §6.2.3.3)."""

    def __init__(self, suite: Suite12, keys: Keys12) -> None:
        self._mask = keys.mask
        self._explicit = NONCE - suite.mask_size
        self._count = 0
        self._aead = _aead(suite.cipher, keys.key, TAG)

    def open(self, record: Record) -> bytes:
        shown, sealed = record.fragment[: self._explicit], record.fragment[self._explicit :]
        if len(shown) < self._explicit or len(sealed) < TAG:
            raise Malformed(f"a protected record of the server has {len(record.fragment)} bytes")
        data = _header(self._count, record.kind, Version.TLS_1_2, len(sealed) - TAG)
        try:
            return self._aead.decrypt(self._nonce(shown), sealed, data)
        except InvalidTag as error:
            raise Malformed("a protected record of the server does not decrypt") from error

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        data = _header(self._count, kind, Version.TLS_1_2, len(content))
        shown = self._count.to_bytes(8)[: self._explicit]
        fragment = shown + self._aead.encrypt(self._nonce(shown), content, data)
        return Record(kind, Version.TLS_1_2, fragment).encode()

    def _nonce(self, shown: bytes) -> bytes:
        """Put mask and shown part side by side (RFC 5288 §3), or mask the count (RFC 7905 §2)."""
        nonce = self._mask + shown
        if not shown:
            nonce = (int.from_bytes(self._mask) ^ self._count).to_bytes(NONCE)
        self._count += 1
        return nonce


class BlockProtector:
    """One direction with a block cipher and a MAC (RFC 5246 §6.2.3.2, RFC 2246 §6.2.3.2).

    Nothing secret is sent by it: the IVs of our records can be foreseen.
    """

    def __init__(self, suite: Suite12, keys: Keys12, version: int) -> None:
        self._keys = keys
        self._version = version
        self._block = suite.mask_size
        self._mac = suite.mac or "sha1"
        self._mac_size = suite.mac_size
        self._count = 0
        self._last = keys.mask
        """The last block of the record before, the IV of the next one up to TLS 1.0."""
        self._algorithm = AES(keys.key) if suite.cipher == "AES-CBC" else TripleDES(keys.key)

    def open(self, record: Record) -> bytes:
        iv, sealed = self._last, record.fragment
        if self._version > Version.TLS_1_0:
            iv, sealed = sealed[: self._block], sealed[self._block :]
        if len(sealed) < self._mac_size + 1 or len(sealed) % self._block or len(iv) < self._block:
            raise Malformed(f"a protected record of the server has {len(record.fragment)} bytes")
        decryptor = Cipher(self._algorithm, CBC(iv)).decryptor()
        plain = decryptor.update(sealed) + decryptor.finalize()
        self._last = sealed[-self._block :]
        content = plain[: len(plain) - plain[-1] - 1 - self._mac_size]
        mac = plain[len(content) : len(content) + self._mac_size]
        if not hmac.compare_digest(mac, self._digest(record.kind, content)):
            raise Malformed("a protected record of the server does not decrypt")
        return content

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        plain = content + self._digest(kind, content)
        padding = self._block - 1 - len(plain) % self._block
        plain += bytes((padding,)) * (padding + 1)
        iv = self._last
        if self._version > Version.TLS_1_0:
            iv = hashlib.sha256(self._keys.key + self._count.to_bytes(8)).digest()[: self._block]
        encryptor = Cipher(self._algorithm, CBC(iv)).encryptor()
        sealed = encryptor.update(plain) + encryptor.finalize()
        self._last = sealed[-self._block :]
        shown = iv if self._version > Version.TLS_1_0 else b""
        return Record(kind, self._version, shown + sealed).encode()

    def _digest(self, kind: int, content: bytes) -> bytes:
        header = _header(self._count, kind, self._version, len(content))
        self._count += 1
        return hmac.digest(self._keys.mac, header + content, self._mac)


def _header(count: int, kind: int, version: int, size: int) -> bytes:
    return count.to_bytes(8) + bytes((kind,)) + version.to_bytes(2) + size.to_bytes(2)


def _aead(name: str, key: bytes, tag_size: int) -> AESGCM | AESCCM | ChaCha20Poly1305:
    if name == "AES-GCM":
        return AESGCM(key)
    if name == "AES-CCM":
        return AESCCM(key, tag_length=tag_size)
    return ChaCha20Poly1305(key)
