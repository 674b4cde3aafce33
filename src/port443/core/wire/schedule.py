"""The key schedule of TLS 1.3 (RFC 8446 §7), up to what both Finished messages need."""

import hashlib
import hmac
from dataclasses import dataclass

from port443.core.wire.reading import Malformed, vector


@dataclass(frozen=True, slots=True)
class Suite13:
    """The parameters of a TLS 1.3 cipher suite (RFC 8446 §B.4)."""

    hash_name: str
    aead: str
    key_size: int
    tag_size: int = 16

    @property
    def hash_size(self) -> int:
        return hashlib.new(self.hash_name).digest_size

    def extract(self, salt: bytes, secret: bytes) -> bytes:
        """Run HKDF-Extract (RFC 5869)."""
        return hmac.digest(salt, secret, self.hash_name)

    def expand(self, secret: bytes, label: str, context: bytes, size: int | None = None) -> bytes:
        """Run HKDF-Expand-Label (RFC 8446 §7.1), for as many bytes as the hash has unless it is said."""
        wanted = self.hash_size if size is None else size
        info = wanted.to_bytes(2) + vector(1, b"tls13 " + label.encode()) + vector(1, context)
        out, block = b"", b""
        for counter in range(1, wanted // self.hash_size + 2):
            block = hmac.digest(secret, block + info + bytes((counter,)), self.hash_name)
            out += block
        return out[:wanted]

    def keys(self, secret: bytes) -> "TrafficKeys":
        return TrafficKeys(
            self.expand(secret, "key", b"", self.key_size), self.expand(secret, "iv", b"", NONCE)
        )

    def finished(self, secret: bytes, digest: bytes) -> bytes:
        return hmac.digest(self.expand(secret, "finished", b""), digest, self.hash_name)


SUITES_13 = {
    0x1301: Suite13("sha256", "AES-GCM", 16),
    0x1302: Suite13("sha384", "AES-GCM", 32),
    0x1303: Suite13("sha256", "CHACHA20-POLY1305", 32),
    0x1304: Suite13("sha256", "AES-CCM", 16),
    0x1305: Suite13("sha256", "AES-CCM", 16, tag_size=8),
}
NONCE = 12


def suite_13(code: int) -> Suite13:
    """Return the parameters of a suite; one that was never offered is the server's fault."""
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
        """Replace the first hello by its hash, as after a HelloRetryRequest (RFC 8446 §4.4.1)."""
        digest = self.digest()
        self._messages = bytes((254,)) + vector(3, digest)

    def digest(self) -> bytes:
        return hashlib.new(self._hash_name, self._messages).digest()


class EarlySecret:
    """What is known before a server answers: of a session's PSK, or of none."""

    def __init__(self, suite: Suite13, psk: bytes | None = None) -> None:
        self._suite = suite
        self._empty = hashlib.new(suite.hash_name).digest()
        self._secret = suite.extract(bytes(suite.hash_size), psk or bytes(suite.hash_size))

    def binder(self, digest: bytes) -> bytes:
        """Prove that the client knows the PSK, over a hello without its binders."""
        return self._suite.finished(self._suite.expand(self._secret, "res binder", self._empty), digest)

    def client_keys(self, hello_digest: bytes) -> TrafficKeys:
        """Derive the keys of early data from the hash of the whole hello."""
        return self._suite.keys(self._suite.expand(self._secret, "c e traffic", hello_digest))

    def handshake(self, shared: bytes) -> bytes:
        """Derive the secret of the handshake."""
        return self._suite.extract(self._suite.expand(self._secret, "derived", self._empty), shared)


class Schedule:
    """The secrets of one handshake, from the shared secret on."""

    def __init__(self, suite: Suite13, shared: bytes, hello_digest: bytes, psk: bytes | None = None) -> None:
        self._suite = suite
        handshake = EarlySecret(suite, psk).handshake(shared)
        empty = hashlib.new(suite.hash_name).digest()
        self._master = suite.extract(suite.expand(handshake, "derived", empty), bytes(suite.hash_size))
        self._client = suite.expand(handshake, "c hs traffic", hello_digest)
        self._server = suite.expand(handshake, "s hs traffic", hello_digest)

    def client_keys(self) -> TrafficKeys:
        return self._suite.keys(self._client)

    def server_keys(self) -> TrafficKeys:
        return self._suite.keys(self._server)

    def client_application_keys(self, finished_digest: bytes) -> TrafficKeys:
        """Derive the client's keys for after the handshake; the digest ends with the server's Finished."""
        return self._suite.keys(self._suite.expand(self._master, "c ap traffic", finished_digest))

    def server_application_keys(self, finished_digest: bytes) -> TrafficKeys:
        """Return the keys of what the server says after its Finished, whose transcript was hashed."""
        return self._suite.keys(self._suite.expand(self._master, "s ap traffic", finished_digest))

    def resumption(self, digest: bytes) -> bytes:
        """Derive the secret that PSKs of tickets come from; the digest ends with the client's Finished."""
        return self._suite.expand(self._master, "res master", digest)

    def client_finished(self, digest: bytes) -> bytes:
        return self._suite.finished(self._client, digest)

    def server_finished(self, digest: bytes) -> bytes:
        return self._suite.finished(self._server, digest)
