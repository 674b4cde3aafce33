"""The key schedule of TLS 1.3 (RFC 8446 §7), up to what both Finished messages need."""

import hashlib
import hmac
from dataclasses import dataclass

from port443.core.wire.reading import Malformed, vector


@dataclass(frozen=True, slots=True)
class Suite13:
    """What a TLS 1.3 cipher suite fixes (RFC 8446 §B.4)."""

    hash_name: str
    aead: str
    key_size: int
    tag_size: int = 16


SUITES_13 = {
    0x1301: Suite13("sha256", "AES-GCM", 16),
    0x1302: Suite13("sha384", "AES-GCM", 32),
    0x1303: Suite13("sha256", "CHACHA20-POLY1305", 32),
    0x1304: Suite13("sha256", "AES-CCM", 16),
    0x1305: Suite13("sha256", "AES-CCM", 16, tag_size=8),
}
NONCE = 12


def suite_13(code: int) -> Suite13:
    """Return what a suite fixes; a suite that was never offered is the server's fault."""
    if code not in SUITES_13:
        raise Malformed(f"the server chose suite 0x{code:04x}, which is none that was offered")
    return SUITES_13[code]


@dataclass(frozen=True, slots=True)
class TrafficKeys:
    """Key and nonce mask of one direction; never shown."""

    key: bytes
    mask: bytes

    def __repr__(self) -> str:
        return "TrafficKeys(…)"


class Transcript:
    """The handshake messages so far (RFC 8446 §4.4.1)."""

    def __init__(self, hash_name: str) -> None:
        self._hash_name = hash_name
        self._messages = b""

    def add(self, message: bytes) -> None:
        self._messages += message

    def retried(self) -> None:
        """Put the hash of the first hello in its place, as a retry wants it."""
        digest = self.digest()
        self._messages = bytes((254,)) + vector(3, digest)

    def digest(self) -> bytes:
        return hashlib.new(self._hash_name, self._messages).digest()


class Schedule:
    """The secrets of one handshake, from the shared secret on."""

    def __init__(self, suite: Suite13, shared: bytes, hello_digest: bytes) -> None:
        self._suite = suite
        self._size = hashlib.new(suite.hash_name).digest_size
        empty = hashlib.new(suite.hash_name).digest()
        early = self._extract(bytes(self._size), bytes(self._size))
        handshake = self._extract(self._expand(early, "derived", empty, self._size), shared)
        self._master = self._extract(self._expand(handshake, "derived", empty, self._size), bytes(self._size))
        self._client = self._expand(handshake, "c hs traffic", hello_digest, self._size)
        self._server = self._expand(handshake, "s hs traffic", hello_digest, self._size)

    def client_keys(self) -> TrafficKeys:
        return self._keys(self._client)

    def server_keys(self) -> TrafficKeys:
        return self._keys(self._server)

    def client_application_keys(self, finished_digest: bytes) -> TrafficKeys:
        """Derive the client's keys for after the handshake; the digest ends with the server's Finished."""
        return self._keys(self._expand(self._master, "c ap traffic", finished_digest, self._size))

    def server_application_keys(self, finished_digest: bytes) -> TrafficKeys:
        """Return the keys of what the server says after its Finished, whose transcript was hashed."""
        return self._keys(self._expand(self._master, "s ap traffic", finished_digest, self._size))

    def client_finished(self, digest: bytes) -> bytes:
        return self._finished(self._client, digest)

    def server_finished(self, digest: bytes) -> bytes:
        return self._finished(self._server, digest)

    def _keys(self, secret: bytes) -> TrafficKeys:
        return TrafficKeys(
            self._expand(secret, "key", b"", self._suite.key_size), self._expand(secret, "iv", b"", NONCE)
        )

    def _finished(self, secret: bytes, digest: bytes) -> bytes:
        key = self._expand(secret, "finished", b"", self._size)
        return hmac.digest(key, digest, self._suite.hash_name)

    def _extract(self, salt: bytes, secret: bytes) -> bytes:
        return hmac.digest(salt, secret, self._suite.hash_name)

    def _expand(self, secret: bytes, label: str, context: bytes, size: int) -> bytes:
        """Run HKDF-Expand-Label (RFC 8446 §7.1)."""
        info = size.to_bytes(2) + vector(1, b"tls13 " + label.encode()) + vector(1, context)
        out, block = b"", b""
        for counter in range(1, size // self._size + 2):
            block = hmac.digest(secret, block + info + bytes((counter,)), self._suite.hash_name)
            out += block
        return out[:size]
