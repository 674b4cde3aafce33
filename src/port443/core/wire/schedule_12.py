"""The keys of TLS 1.0 to 1.2 (RFC 5246 §8, RFC 2246 §6, RFC 7627, RFC 5288, RFC 7905)."""

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache

from port443.core.wire.reading import Malformed
from port443.core.wire.suites import suite
from port443.core.wire.versions import Version

MASTER = 48
VERIFY_DATA = 12
MD5_SHA1 = "md5+sha1"
"""What stands for a hash before TLS 1.2 (RFC 2246 §5, §7.4.9)."""


@dataclass(frozen=True, slots=True)
class Suite12:
    """What a suite fixes.

    `mask_size` bytes of each nonce, or of the first IV, come from the keys; the rest stands in the record.
    """

    hash_name: str
    cipher: str
    key_size: int
    mask_size: int
    mac: str | None = None
    """The hash of the MAC, where the cipher has no tag of its own."""

    @property
    def mac_size(self) -> int:
        return 0 if self.mac is None else hashlib.new(self.mac, usedforsecurity=False).digest_size


CIPHERS = {
    "AES_128_GCM": ("AES-GCM", 16, 4),
    "AES_256_GCM": ("AES-GCM", 32, 4),
    "CHACHA20_POLY1305": ("CHACHA20-POLY1305", 32, 12),
    "AES_128_CBC": ("AES-CBC", 16, 16),
    "AES_256_CBC": ("AES-CBC", 32, 16),
    "3DES_EDE_CBC": ("3DES-CBC", 24, 8),
}
HASHES = {"SHA": "sha1", "SHA256": "sha256", "SHA384": "sha384"}
EXCHANGES = {"ECDHE", "DHE", "RSA"}
SIGNERS = {"RSA", "ECDSA", "DSS"}


@cache
def _known(code: int) -> Suite12 | None:
    one = suite(code)
    cipher, _, hash_name = one.name.partition("_WITH_")[2].rpartition("_")
    fits = one.key_exchange in EXCHANGES and one.authentication in SIGNERS and not one.is_export
    if not fits or cipher not in CIPHERS or hash_name not in HASHES:
        return None
    name, key_size, mask_size = CIPHERS[cipher]
    mac = HASHES[hash_name] if name.endswith("CBC") else None
    return Suite12("sha384" if hash_name == "SHA384" else "sha256", name, key_size, mask_size, mac)


def is_endable(code: int) -> bool:
    """Whether a handshake with this suite can be brought to its end here."""
    return _known(code) is not None


def suite_12(code: int, version: int = Version.TLS_1_2) -> Suite12:
    """Return what a suite fixes in a version; with the others a handshake is not brought to its end here."""
    known = _known(code)
    if known is None or version < Version.TLS_1_0:
        raise Malformed(f"the server chose {suite(code).name}, with which no handshake is ended here")
    if version >= Version.TLS_1_2:
        return known
    return Suite12(MD5_SHA1, known.cipher, known.key_size, known.mask_size, known.mac)


@dataclass(frozen=True, slots=True)
class Keys12:
    """Key, nonce mask and key of the MAC of one direction; never shown."""

    key: bytes
    mask: bytes
    mac: bytes = b""

    def __repr__(self) -> str:
        return "Keys12(…)"


def master_secret(suite: Suite12, shared: bytes, randoms: bytes, session_hash: bytes | None) -> bytes:
    """Make the master secret, with the hash of the messages where the extended one was agreed (RFC 7627 §4).

    `randoms` are the client's and the server's, in this order.
    """
    if session_hash is not None:
        return prf(suite.hash_name, shared, b"extended master secret" + session_hash, MASTER)
    return prf(suite.hash_name, shared, b"master secret" + randoms, MASTER)


class Schedule12:
    """The secrets of one connection, from the master secret on."""

    def __init__(self, suite: Suite12, master: bytes, randoms: bytes) -> None:
        """`randoms` are the client's and the server's of this connection, in this order."""
        self._hash_name = suite.hash_name
        self._master = master
        sizes = (suite.mac_size, suite.key_size, suite.mask_size)
        swapped = randoms[len(randoms) // 2 :] + randoms[: len(randoms) // 2]
        block = prf(suite.hash_name, master, b"key expansion" + swapped, 2 * sum(sizes))
        parts = []
        for size in sizes:
            parts.append((block[:size], block[size : 2 * size]))
            block = block[2 * size :]
        macs, keys, masks = parts
        self.client = Keys12(keys[0], masks[0], macs[0])
        self.server = Keys12(keys[1], masks[1], macs[1])

    def client_finished(self, digest: bytes) -> bytes:
        return prf(self._hash_name, self._master, b"client finished" + digest, VERIFY_DATA)

    def server_finished(self, digest: bytes) -> bytes:
        return prf(self._hash_name, self._master, b"server finished" + digest, VERIFY_DATA)


def prf(hash_name: str, secret: bytes, seed: bytes, size: int) -> bytes:
    """Stretch a secret to `size` bytes (RFC 5246 §5, RFC 2246 §5); `seed` begins with the label."""
    if hash_name == MD5_SHA1:
        half = (len(secret) + 1) // 2
        first, second = prf("md5", secret[:half], seed, size), prf("sha1", secret[-half:], seed, size)
        return bytes(one ^ other for one, other in zip(first, second, strict=True))
    out, link = b"", seed
    while len(out) < size:
        link = hmac.digest(secret, link, hash_name)
        out += hmac.digest(secret, link + seed, hash_name)
    return out[:size]


def transcript_digest(suite: Suite12, messages: bytes) -> bytes:
    """Hash the handshake messages, as both Finished and the extended master secret do."""
    names = ("md5", "sha1") if suite.hash_name == MD5_SHA1 else (suite.hash_name,)
    return b"".join(hashlib.new(name, messages, usedforsecurity=False).digest() for name in names)
