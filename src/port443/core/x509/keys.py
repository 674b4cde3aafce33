"""Private keys as PEM or PKCS#8, read and written by value."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from port443.core.errors import CertificateError
from port443.core.names import Fingerprint

ServerKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
CURVES = {"secp256r1", "secp384r1", "secp521r1"}
RSA_BITS = range(2048, 8193)


class KeyUnreadable(CertificateError):
    """A private key cannot be read: it is no PEM key, it is encrypted, or it is damaged.

    port443 wants an unencrypted PEM key, as `openssl pkey -in OLD -out NEW` writes it, in a file that only
    the user who runs port443 can read.
    """

    code = "P443-E221"
    fault = "operator"


class KeyUnfit(CertificateError):
    """A private key is of a kind or a size that no server should use, or that no client takes.

    Use ECDSA with P-256 (`openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`), or RSA with
    2048 to 8192 bits, and get a certificate for it.
    """

    code = "P443-E226"
    fault = "operator"


def read_key(content: bytes, place: str) -> ServerKey:
    """Read a PEM key of a kind that TLS servers use; `place` is named in what is raised."""
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:
        hint = "write it anew without a password: openssl pkey -in OLD -out NEW"
        raise KeyUnreadable(f"the key {place} is encrypted", hint) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(f"{place} holds no private key that can be read") from error
    return _fit(key, place)


def read_pkcs8(content: bytes, place: str) -> ServerKey:
    """Read a key as `pkcs8` writes it."""
    try:
        return _fit(load_der_private_key(content, password=None), place)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnreadable(f"the key of {place} cannot be read") from error


def pkcs8(key: ServerKey) -> bytes:
    """Write a key as DER, unencrypted (RFC 5208)."""
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def spki_of(key: ServerKey) -> Fingerprint:
    """Return the fingerprint that certificates for this key have as `spki`."""
    return Fingerprint.of(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _fit(key: object, place: str) -> ServerKey:
    match key:
        case ec.EllipticCurvePrivateKey() if key.curve.name in CURVES:
            return key
        case ec.EllipticCurvePrivateKey():
            raise KeyUnfit(f"the key {place} is on the curve {key.curve.name}", "use P-256")
        case rsa.RSAPrivateKey() if key.key_size in RSA_BITS:
            return key
        case rsa.RSAPrivateKey():
            raise KeyUnfit(f"the key {place} has {key.key_size} bits", "use ECDSA P-256, or RSA 2048")
        case ed25519.Ed25519PrivateKey():
            return key
        case _:
            raise KeyUnfit(f"the key {place} is of a kind that TLS servers do not use", "use ECDSA P-256")
