"""Ephemeral keys of the client, one class for each kind of group (RFC 8446 §4.2.8, RFC 10024)."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Protocol, Union

from cryptography.hazmat.primitives.asymmetric import ec, x448, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from port443.core.wire.finite_field import SIZES, FiniteFieldShare
from port443.core.wire.groups import SECP256R1, SECP384R1, SECP521R1, X25519, X25519MLKEM768, group_name
from port443.core.wire.reading import Malformed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import mlkem

SEED = 128
"""Random bytes that one key share is made from."""
KEM = Union["mlkem.MLKEM768PrivateKey", "mlkem.MLKEM1024PrivateKey"]
KEM_SEED = 64
X448, MLKEM768, MLKEM1024 = 30, 513, 514
CURVES: dict[int, type[ec.EllipticCurve]] = {
    SECP256R1: ec.SECP256R1,
    SECP384R1: ec.SECP384R1,
    SECP521R1: ec.SECP521R1,
    31: ec.BrainpoolP256R1,
    32: ec.BrainpoolP384R1,
    33: ec.BrainpoolP512R1,
}
# Below each curve's order.
ORDERS = {SECP256R1: 2**255, SECP384R1: 2**383, SECP521R1: 2**520, 31: 2**255, 32: 2**383, 33: 2**511}
CIPHERTEXT = {MLKEM768: 1088, MLKEM1024: 1568}
HYBRIDS = {X25519MLKEM768: (X25519, MLKEM768), 4587: (SECP256R1, MLKEM768), 4589: (SECP384R1, MLKEM1024)}
"""The classical and the post-quantum part of each."""
COMMON_GROUPS = (X25519, SECP256R1, SECP384R1, SECP521R1, X25519MLKEM768)
USABLE_GROUPS = (*COMMON_GROUPS, X448, 4587, 4589, MLKEM768, MLKEM1024, 31, 32, 33, *SIZES)
"""All groups with which a handshake can be completed here."""


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
    for groups, kind in KINDS:
        if group in groups:
            return kind(group, seed)
    raise Malformed(f"the server asks for {group_name(group)}, which was not offered")


class MontgomeryShare:
    """x25519 or x448 (RFC 7748)."""

    def __init__(self, group: int, seed: bytes) -> None:
        self.group = group
        self._exchange, self.public = _x25519(seed) if group == X25519 else _x448(seed)

    def shared(self, peer: bytes) -> bytes:
        try:
            return self._exchange(peer)
        except ValueError as error:
            raise Malformed(f"the server's {group_name(self.group)} key is no point of the curve") from error


def _x25519(seed: bytes) -> tuple[Callable[[bytes], bytes], bytes]:
    private = x25519.X25519PrivateKey.from_private_bytes(seed[:32])
    public = private.public_key().public_bytes_raw()
    return lambda peer: private.exchange(x25519.X25519PublicKey.from_public_bytes(peer)), public


def _x448(seed: bytes) -> tuple[Callable[[bytes], bytes], bytes]:
    private = x448.X448PrivateKey.from_private_bytes(seed[:56])
    public = private.public_key().public_bytes_raw()
    return lambda peer: private.exchange(x448.X448PublicKey.from_public_bytes(peer)), public


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


class KEMShare:
    """ML-KEM-768 or ML-KEM-1024 alone (RFC 10024): the server answers with a ciphertext."""

    def __init__(self, group: int, seed: bytes) -> None:
        # Most handshakes need no ML-KEM; the module is loaded for those that do.
        from cryptography.hazmat.primitives.asymmetric import mlkem  # noqa: PLC0415

        self.group = group
        kind = mlkem.MLKEM768PrivateKey if group == MLKEM768 else mlkem.MLKEM1024PrivateKey
        self._kem: KEM = kind.from_seed_bytes(seed[-KEM_SEED:])
        self.public = self._kem.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> bytes:
        if len(peer) != CIPHERTEXT[self.group]:
            raise Malformed(f"the server's {group_name(self.group)} share has {len(peer)} bytes")
        return self._kem.decapsulate(peer)


class HybridShare:
    """ML-KEM joined to a classical group, in the keys and in the secret (RFC 10024).

    The classical part comes first, except with x25519.
    """

    def __init__(self, group: int, seed: bytes) -> None:
        self.group = group
        classical, kem = HYBRIDS[group]
        self._kem = KEMShare(kem, seed)
        self._classical = key_share(classical, seed)
        self._is_kem_first = classical == X25519
        self.public = self._join(self._kem.public, self._classical.public)

    def shared(self, peer: bytes) -> bytes:
        size = CIPHERTEXT[self._kem.group]
        if len(peer) != size + len(self._classical.public):
            raise Malformed(f"the server's {group_name(self.group)} share has {len(peer)} bytes")
        at = size if self._is_kem_first else len(self._classical.public)
        first, second = peer[:at], peer[at:]
        sealed, public = (first, second) if self._is_kem_first else (second, first)
        return self._join(self._kem.shared(sealed), self._classical.shared(public))

    def _join(self, kem: bytes, classical: bytes) -> bytes:
        return kem + classical if self._is_kem_first else classical + kem


KINDS: tuple[tuple[Collection[int], Callable[[int, bytes], KeyShare]], ...] = (
    ((X25519, X448), MontgomeryShare),
    (CURVES, WeierstrassShare),
    (HYBRIDS, HybridShare),
    (CIPHERTEXT, KEMShare),
    (SIZES, FiniteFieldShare),
)
