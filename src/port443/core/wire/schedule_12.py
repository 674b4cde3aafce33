"""The keys of TLS 1.2 with (EC)DHE and an AEAD cipher (RFC 5246 §8, RFC 7627, RFC 5288, RFC 7905)."""

import hashlib
import hmac
from dataclasses import dataclass

from port443.core.wire.reading import Malformed
from port443.core.wire.suites import suite

MASTER = 48
VERIFY_DATA = 12


@dataclass(frozen=True, slots=True)
class Suite12:
    """What a suite fixes. `mask_size` bytes of each nonce come from the keys, the rest from the record."""

    hash_name: str
    aead: str
    key_size: int
    mask_size: int


AES_128 = Suite12("sha256", "AES-GCM", 16, mask_size=4)
AES_256 = Suite12("sha384", "AES-GCM", 32, mask_size=4)
CHACHA20 = Suite12("sha256", "CHACHA20-POLY1305", 32, mask_size=12)
SUITES_12 = {
    0xC02B: AES_128, 0xC02F: AES_128, 0xC02C: AES_256, 0xC030: AES_256, 0xCCA9: CHACHA20, 0xCCA8: CHACHA20,
}  # fmt: skip


def suite_12(code: int) -> Suite12:
    """Return what a suite fixes; with the others a handshake is not brought to its end here."""
    if code not in SUITES_12:
        raise Malformed(f"the server chose {suite(code).name}, with which no handshake is ended here")
    return SUITES_12[code]


@dataclass(frozen=True, slots=True)
class Keys12:
    """Key and nonce mask of one direction; never shown."""

    key: bytes
    mask: bytes

    def __repr__(self) -> str:
        return "Keys12(…)"


class Schedule12:
    """The secrets of one handshake."""

    def __init__(self, suite: Suite12, shared: bytes, randoms: bytes, session_hash: bytes | None) -> None:
        """Take the hash of the messages so far where the extended master secret was agreed, else None.

        `randoms` are the client's and the server's, in this order.
        """
        self._hash_name = suite.hash_name
        label, seed = b"master secret", randoms
        if session_hash is not None:
            label, seed = b"extended master secret", session_hash  # RFC 7627 §4
        self._master = prf(suite.hash_name, shared, label + seed, MASTER)
        key, mask = suite.key_size, suite.mask_size
        swapped = randoms[len(randoms) // 2 :] + randoms[: len(randoms) // 2]
        block = prf(suite.hash_name, self._master, b"key expansion" + swapped, 2 * (key + mask))
        self.client = Keys12(block[:key], block[2 * key : 2 * key + mask])
        self.server = Keys12(block[key : 2 * key], block[2 * key + mask :])

    def client_finished(self, digest: bytes) -> bytes:
        return prf(self._hash_name, self._master, b"client finished" + digest, VERIFY_DATA)

    def server_finished(self, digest: bytes) -> bytes:
        return prf(self._hash_name, self._master, b"server finished" + digest, VERIFY_DATA)


def prf(hash_name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """Stretch a secret to `size` bytes (RFC 5246 §5); `seed` begins with the label."""
    out, link = b"", seed
    while len(out) < size:
        link = hmac.digest(secret, link, hash_name)
        out += hmac.digest(secret, link + seed, hash_name)
    return out[:size]


def transcript_digest(suite: Suite12, messages: bytes) -> bytes:
    """Hash the handshake messages, as both Finished and the extended master secret do."""
    return hashlib.new(suite.hash_name, messages).digest()
