"""Signatures on certificates: their algorithm, and whether a key verifies them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from port443.core import der

Digest = Callable[[], hashes.HashAlgorithm]
# Old digests are checked too: that a chain hangs together and that it is weak are two findings.
DIGESTS: dict[str, Digest] = {
    "1.2.840.113549.2.5": hashes.MD5,
    "1.3.14.3.2.26": hashes.SHA1,
    "2.16.840.1.101.3.4.2.4": hashes.SHA224,
    "2.16.840.1.101.3.4.2.1": hashes.SHA256,
    "2.16.840.1.101.3.4.2.2": hashes.SHA384,
    "2.16.840.1.101.3.4.2.3": hashes.SHA512,
}
RSA_PSS, MGF1 = "1.2.840.113549.1.1.10", "1.2.840.113549.1.1.8"
PKCS1: dict[str, Digest] = {
    "1.2.840.113549.1.1.4": hashes.MD5,
    "1.2.840.113549.1.1.5": hashes.SHA1,
    "1.3.14.3.2.29": hashes.SHA1,
    "1.2.840.113549.1.1.14": hashes.SHA224,
    "1.2.840.113549.1.1.11": hashes.SHA256,
    "1.2.840.113549.1.1.12": hashes.SHA384,
    "1.2.840.113549.1.1.13": hashes.SHA512,
}
ECDSA: dict[str, Digest] = {
    "1.2.840.10045.4.1": hashes.SHA1,
    "1.2.840.10045.4.3.1": hashes.SHA224,
    "1.2.840.10045.4.3.2": hashes.SHA256,
    "1.2.840.10045.4.3.3": hashes.SHA384,
    "1.2.840.10045.4.3.4": hashes.SHA512,
}
ED25519, ED448 = "1.3.101.112", "1.3.101.113"
# RFC 3279, 4055, 5758, 8410: the names that other tools use.
NAMES = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.3.14.3.2.29": "sha1WithRSASignature",
    RSA_PSS: "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10040.4.3": "dsa-with-SHA1",
    "2.16.840.1.101.3.4.3.2": "dsa-with-SHA256",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    ED25519: "Ed25519",
    ED448: "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
    **{f"2.16.840.1.101.3.4.3.{arc}": "SLH-DSA" for arc in range(20, 36)},
}
OWN_HASH = frozenset(NAMES.values()) & {
    "Ed25519", "Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "SLH-DSA"
}  # fmt: skip
DEFAULT_SALT = 20
KEPT = 1024
"""The size of the cache: one signature is verified by every evaluation of a chain."""
CHECKED = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """How a certificate was signed."""

    name: str
    """As in its registry: `ecdsa-with-SHA256`; an unknown one is written in dots."""
    hash: str | None
    """`sha256`…; None when the algorithm has none of its own (Ed25519) or it is unknown."""

    @property
    def is_known(self) -> bool:
        """Whether its strength is: by its hash, or by its name where it has none."""
        return self.hash is not None or self.name in OWN_HASH


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature and what it is on."""

    algorithm: bytes
    """DER of the AlgorithmIdentifier."""
    signed: bytes
    octets: bytes


def signature_facts(algorithm: bytes) -> SignatureFacts:
    """Name an AlgorithmIdentifier."""
    oid, parameters = _parts(algorithm)
    digest = PKCS1.get(oid) or ECDSA.get(oid)
    if oid == RSA_PSS:
        pss = _pss(parameters)
        return SignatureFacts(NAMES[oid], pss[1].name if pss else None)
    if oid == "1.2.840.113549.1.1.2":
        return SignatureFacts(NAMES[oid], "md2")
    return SignatureFacts(NAMES.get(oid, oid), digest().name if digest else _dsa_hash(oid))


def _dsa_hash(oid: str) -> str | None:
    return {"1.2.840.10040.4.3": "sha1", "2.16.840.1.101.3.4.3.2": "sha256"}.get(oid)


@lru_cache(KEPT)
def made_by(signature: Signature, spki: bytes) -> bool | None:
    """Whether the key of `spki` made it; None when key or algorithm cannot be checked here."""
    try:
        return _check(signature, load_der_public_key(spki))
    except InvalidSignature:
        return False
    except (TypeError, ValueError, IndexError, UnsupportedAlgorithm):
        return None  # a key or an algorithm that this library does not support


def _check(signature: Signature, key: object) -> bool | None:
    oid, parameters = _parts(signature.algorithm)
    octets, signed = signature.octets, signature.signed
    match key:
        case rsa.RSAPublicKey() if oid in PKCS1:
            key.verify(octets, signed, padding.PKCS1v15(), PKCS1[oid]())
        case rsa.RSAPublicKey() if oid == RSA_PSS:
            pss = _pss(parameters)
            if pss is None:
                return None
            key.verify(octets, signed, *pss)
        case ec.EllipticCurvePublicKey() if oid in ECDSA:
            key.verify(octets, signed, ec.ECDSA(ECDSA[oid]()))
        case ed25519.Ed25519PublicKey() if oid == ED25519:
            key.verify(octets, signed)
        case ed448.Ed448PublicKey() if oid == ED448:
            key.verify(octets, signed)
        case _:
            return False if isinstance(key, CHECKED) and oid in NAMES else None
    return True


def _parts(algorithm: bytes) -> tuple[str, bytes | None]:
    oid, *parameters = der.only(algorithm, der.SEQUENCE).children()
    return der.object_identifier(oid.content), parameters[0].whole if parameters else None


def _pss(parameters: bytes | None) -> tuple[padding.PSS, hashes.HashAlgorithm] | None:
    """Read RSASSA-PSS-params (RFC 4055 §3.1); None for digests that are not known."""
    if parameters is None:
        return None
    parts = {part.tag & 0x1F: part.content for part in der.only(parameters, der.SEQUENCE).children()}
    digest, mask, salt = DIGESTS.get("1.3.14.3.2.26"), DIGESTS.get("1.3.14.3.2.26"), DEFAULT_SALT
    if 0 in parts:
        digest = DIGESTS.get(_parts(parts[0])[0])
    if 1 in parts:
        oid, inner = _parts(parts[1])
        mask = DIGESTS.get(_parts(inner)[0]) if oid == MGF1 and inner else None
    if 2 in parts:
        salt = int.from_bytes(der.only(parts[2], der.INTEGER).content)
    return (padding.PSS(padding.MGF1(mask()), salt), digest()) if digest and mask else None
