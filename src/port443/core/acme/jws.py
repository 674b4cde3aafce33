"""JSON Web Signatures as ACME has them: flattened, by account keys or a MAC (RFC 7515, RFC 8555 §6.2)."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Literal, assert_never

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from port443.core.errors import CertificateError

AccountKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
"""P-256 signs by ES256, RSA by RS256."""
MacAlgorithm = Literal["HS256", "HS384", "HS512"]
HASHES: Mapping[MacAlgorithm, hashes.HashAlgorithm] = {
    "HS256": hashes.SHA256(),
    "HS384": hashes.SHA384(),
    "HS512": hashes.SHA512(),
}
P256_OCTETS = 32
MAX_TOKEN = 256
Json = Mapping[str, object]


class MacKeyUnreadable(CertificateError):
    """The MAC key of an external account binding is no base64url.

    CAs print it as one word of letters, digits, hyphens and underscores (RFC 8555 §7.3.4). Copy it whole, and
    take care not to exchange it with the key id.
    """

    code = "P443-E256"
    fault = "operator"


def encode(octets: bytes) -> str:
    """Write base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def mac_key_from(text: str) -> bytes:
    """Read a MAC key as CAs print it: base64url, and base64 for those that copy from elsewhere."""
    word = "".join(text.split()).rstrip("=").replace("+", "-").replace("/", "_")
    try:
        octets = base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True)
    except ValueError:
        octets = b""
    if not octets:
        # Without the text: it is a secret, or the half of one.
        raise MacKeyUnreadable(
            "the MAC key of the external account is no base64url", "copy it from the CA anew"
        )
    return octets


def jwk(key: AccountKey) -> dict[str, str]:
    """Return the public half as a JSON Web Key (RFC 7517, RFC 7518 §6)."""
    match key:
        case ec.EllipticCurvePrivateKey():
            point = key.public_key().public_numbers()
            x, y = (encode(number.to_bytes(P256_OCTETS)) for number in (point.x, point.y))
            return {"crv": "P-256", "kty": "EC", "x": x, "y": y}
        case rsa.RSAPrivateKey():
            numbers = key.public_key().public_numbers()
            return {"e": encode(_octets(numbers.e)), "kty": "RSA", "n": encode(_octets(numbers.n))}
        case other:
            assert_never(other)


def thumbprint(key: AccountKey) -> str:
    """Return the SHA-256 of the key's canonical form (RFC 7638 §3), as key authorisations have it."""
    return encode(hashlib.sha256(_compact(jwk(key))).digest())


def signed(key: AccountKey, header: Json, payload: Json | None) -> dict[str, str]:
    """Sign `payload` (None: empty, for POST-as-GET) under `header`, whose `alg` is the key's own."""
    protected, body = _parts({"alg": _algorithm(key), **header}, payload)
    return _flattened(protected, body, _signature(key, f"{protected}.{body}".encode("ascii")))


def bound(mac_key: bytes, algorithm: MacAlgorithm, header: Json, payload: Json) -> dict[str, str]:
    """Sign with a MAC: the external account binding (RFC 8555 §7.3.4)."""
    protected, body = _parts({"alg": algorithm, **header}, payload)
    mac = hmac.HMAC(mac_key, HASHES[algorithm])
    mac.update(f"{protected}.{body}".encode("ascii"))
    return _flattened(protected, body, mac.finalize())


def is_token(text: str) -> bool:
    """Whether `text` is a token as challenges have it (RFC 8555 §8.1): base64url, and not endless."""
    return (
        0 < len(text) <= MAX_TOKEN and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()
    )


def _parts(header: Json, payload: Json | None) -> tuple[str, str]:
    return encode(_compact(header)), "" if payload is None else encode(_compact(payload))


def _flattened(protected: str, body: str, signature: bytes) -> dict[str, str]:
    return {"protected": protected, "payload": body, "signature": encode(signature)}


def _algorithm(key: AccountKey) -> str:
    return "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"


def _signature(key: AccountKey, content: bytes) -> bytes:
    match key:
        case ec.EllipticCurvePrivateKey():
            # Two numbers of fixed length, not DER (RFC 7518 §3.4).
            r, s = decode_dss_signature(key.sign(content, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(P256_OCTETS) + s.to_bytes(P256_OCTETS)
        case rsa.RSAPrivateKey():
            return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        case other:
            assert_never(other)


def _octets(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)


def _compact(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
