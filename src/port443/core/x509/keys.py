"""Private keys as PEM or PKCS#8, read and written by value."""

import base64
from collections.abc import Iterator
from pathlib import PurePath
from typing import assert_never

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from port443.core import der
from port443.core.errors import CertificateError
from port443.core.names import Fingerprint
from port443.core.x509.contents import recognise
from port443.core.x509.pem import BLOCK

ServerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
CURVES = {"secp256r1", "secp384r1", "secp521r1"}
RSA_BITS = range(2048, 8193)
USE = "use ECDSA (P-256, P-384, P-521), RSA (2048 to 8192 bits) or Ed25519, and a certificate for it"
OPENSSH = b"OPENSSH PRIVATE KEY"
RSA_PSS = "1.2.840.113549.1.1.10"
# What no library here signs with, or what it would mistake for something else.
UNSUPPORTED = {
    RSA_PSS: "RSASSA-PSS, an RSA key that is bound to one padding",
    "1.3.101.110": "X25519, which cannot sign",
    "1.3.101.111": "X448, which cannot sign",
    "1.3.101.113": "Ed448",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.113549.1.3.1": "Diffie-Hellman, which cannot sign",
    "1.2.840.10045.2.1": "ECDSA on a curve of its own or one that is not known",
    "1.2.643.7.1.1.1.1": "GOST R 34.10-2012",
    "1.2.643.7.1.1.1.2": "GOST R 34.10-2012",
    "1.2.643.2.2.19": "GOST R 34.10-2001",
    "1.2.156.10197.1.301": "SM2",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
UNSUPPORTED |= {f"2.16.840.1.101.3.4.3.{arc}": "SLH-DSA" for arc in range(20, 36)}


class KeyUnreadable(CertificateError):
    """A private key cannot be read: the file holds something else, or the key is encrypted or damaged.

    The message names what was found, and the hint the command that converts it. port443 needs an
    unencrypted PEM key, as `openssl pkey -in OLD -out NEW` writes it, in a file that only the user who runs
    port443 can read.
    """

    code = "P443-E221"
    fault = "operator"


class KeyUnfit(CertificateError):
    """A private key is of a kind or a size that is not supported; the message says of which.

    Use ECDSA with P-256 (`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`), or RSA with
    2048 to 8192 bits, and get a certificate for it.
    """

    code = "P443-E226"
    fault = "operator"


def read_key(content: bytes, path: PurePath) -> tuple[ServerKey, ...]:
    """Read each private key in a PEM file that TLS servers use; raises when there is none."""
    blocks = [
        whole for whole, label in _key_blocks(content) if label not in (b"ENCRYPTED PRIVATE KEY", OPENSSH)
    ]
    if not blocks:
        found = recognise(content, path)
        raise KeyUnreadable(f"{path} holds no private key that can be read: it is {found.what}", found.hint)
    return tuple(_pem_key(block, content, path) for block in blocks)


def _key_blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    for found in BLOCK.finditer(content):
        if found[1].endswith(b"PRIVATE KEY"):
            yield found[0], found[1]


def _pem_key(block: bytes, content: bytes, path: PurePath) -> ServerKey:
    try:
        # The library would test RSA primes for 50 ms; `signs_for` finds a damaged key.
        key = load_pem_private_key(block, password=None, unsafe_skip_rsa_key_validation=True)
    except TypeError as error:
        found = recognise(content, path)
        raise KeyUnreadable(f"the key {path} is encrypted", found.hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        kind = _kind_in(block)
        if kind in UNSUPPORTED:
            raise _unsupported(path, UNSUPPORTED[kind]) from error
        raise KeyUnreadable(f"the private key {path} is damaged", "copy it again") from error
    if _kind_in(block) == RSA_PSS:
        raise _unsupported(path, UNSUPPORTED[RSA_PSS])
    return _fit(key, path)


def _kind_in(block: bytes) -> str | None:
    """Return the algorithm that a PKCS#8 key names (RFC 5958 §2)."""
    try:
        body = base64.b64decode(b"".join(block.splitlines()[1:-1]))
        return der.object_identifier(der.only(body, der.SEQUENCE).children()[1].children()[0].content)
    except (ValueError, IndexError):
        return None


def _unsupported(place: object, kind: str) -> KeyUnfit:
    return KeyUnfit(f"the key {place} is of a kind that is not supported: {kind}", USE)


def read_pkcs8(content: bytes, place: str) -> ServerKey:
    """Read a key as `pkcs8` writes it."""
    try:
        return _fit(load_der_private_key(content, password=None, unsafe_skip_rsa_key_validation=True), place)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(f"the key of {place} cannot be read") from error


def signs_for(key: ServerKey) -> bool:
    """Whether a signature of the key verifies with its own public half: false when the key is damaged."""
    content = b"port443"
    try:
        match key:
            case rsa.RSAPrivateKey():
                padded, digest = padding.PKCS1v15(), hashes.SHA256()
                key.public_key().verify(key.sign(content, padded, digest), content, padded, digest)
            case ec.EllipticCurvePrivateKey():
                signed = key.sign(content, ec.ECDSA(hashes.SHA256()))
                key.public_key().verify(signed, content, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                key.public_key().verify(key.sign(content), content)
            case other:
                assert_never(other)
    except (InvalidSignature, ValueError):
        return False
    return True


def pkcs8(key: ServerKey) -> bytes:
    """Write a key as DER, unencrypted (RFC 5208)."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki_of(key: ServerKey) -> Fingerprint:
    """Return the fingerprint that certificates for this key have as `spki`."""
    return Fingerprint.of(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _fit(key: object, place: object) -> ServerKey:
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in CURVES:
            return key
        case ec.EllipticCurvePrivateKey():
            raise _unsupported(place, f"ECDSA on the curve {key.curve.name}")
        case rsa.RSAPrivateKey() if key.key_size in RSA_BITS:
            return key
        case rsa.RSAPrivateKey():
            size = "few" if key.key_size < RSA_BITS.start else "many"
            raise KeyUnfit(f"the key {place} has too {size} bits for RSA: {key.key_size}", USE)
        case ed25519.Ed25519PrivateKey():
            return key
        case _:
            kind = type(key).__name__.removesuffix("PrivateKey").lstrip("_")
            raise _unsupported(place, kind)
