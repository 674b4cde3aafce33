"""Ephemeral keys of the client, one class for each kind of group (RFC 8446 §4.2.8, RFC 10024)."""

from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from port443.core.wire.groups import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    X25519,
    X25519MLKEM768,
    group_name,
)
from port443.core.wire.reading import Malformed

SEED = 96
"""Random bytes that one key share is made from."""
CURVES: dict[int, type[ec.EllipticCurve]] = {
    SECP256R1: ec.SECP256R1,
    SECP384R1: ec.SECP384R1,
    SECP521R1: ec.SECP521R1,
}
ORDERS = {SECP256R1: 2**255, SECP384R1: 2**383, SECP521R1: 2**520}  # below each curve's order
MLKEM768_CIPHERTEXT = 1088
USABLE_GROUPS = (X25519, SECP256R1, SECP384R1, SECP521R1, X25519MLKEM768)


class KeyShare(Protocol):
    """A private key of one handshake."""

    group: int
    public: bytes

    def shared(self, peer: bytes) -> bytes:
        """Return the secret shared with the holder of `peer`."""
        ...


def key_share(group: int, seed: bytes) -> KeyShare:
    """Make the key share of a group from `SEED` random bytes."""
    if len(seed) != SEED:
        raise ValueError(f"a key share takes {SEED} random bytes")
    if group == X25519:
        return MontgomeryShare(seed)
    if group == X25519MLKEM768:
        return HybridShare(seed)
    if group in CURVES:
        return WeierstrassShare(group, seed)
    raise Malformed(f"the server asks for {group_name(group)}, which was not offered")


class MontgomeryShare:
    """x25519 (RFC 7748)."""

    group = X25519

    def __init__(self, seed: bytes) -> None:
        self._private = x25519.X25519PrivateKey.from_private_bytes(seed[:32])
        self.public = self._private.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> bytes:
        try:
            return self._private.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        except ValueError as error:
            raise Malformed("the server's x25519 key is no point of the curve") from error


class WeierstrassShare:
    """One of the NIST curves, with uncompressed points (RFC 8446 §4.2.8.2)."""

    def __init__(self, group: int, seed: bytes) -> None:
        self.group = group
        secret = int.from_bytes(seed) % ORDERS[group] or 1
        self._curve = CURVES[group]()
        self._private = ec.derive_private_key(secret, self._curve)
        self.public = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def shared(self, peer: bytes) -> bytes:
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(self._curve, peer)
            return self._private.exchange(ec.ECDH(), key)
        except ValueError as error:
            raise Malformed(f"the server's {group_name(self.group)} key is no point of the curve") from error


class HybridShare:
    """X25519MLKEM768: ML-KEM-768 first, then x25519, in the keys and in the secret (RFC 10024)."""

    group = X25519MLKEM768

    def __init__(self, seed: bytes) -> None:
        # Most handshakes need no ML-KEM; the module is loaded for those that do.
        from cryptography.hazmat.primitives.asymmetric import mlkem  # noqa: PLC0415

        self._kem = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed[32:96])
        self._classical = MontgomeryShare(seed)
        self.public = self._kem.public_key().public_bytes_raw() + self._classical.public

    def shared(self, peer: bytes) -> bytes:
        if len(peer) != MLKEM768_CIPHERTEXT + 32:
            raise Malformed(f"the server's X25519MLKEM768 share has {len(peer)} bytes")
        secret = self._kem.decapsulate(peer[:MLKEM768_CIPHERTEXT])
        return secret + self._classical.shared(peer[MLKEM768_CIPHERTEXT:])
