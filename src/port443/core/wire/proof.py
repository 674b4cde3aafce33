"""Verifies the server's signature: that it holds the key of the certificate that it sent."""

from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from port443.core import der
from port443.core.wire.messages import SignedParameters
from port443.core.wire.reading import Malformed

SERVER_CONTEXT = b" " * 64 + b"TLS 1.3, server CertificateVerify\x00"  # RFC 8446 §4.4.3
MD5, SHA1 = 1, 2  # RFC 5246 §7.4.1.4.1
HASHES: dict[int, type[hashes.HashAlgorithm]] = {
    MD5: hashes.MD5, SHA1: hashes.SHA1, 3: hashes.SHA224,
    4: hashes.SHA256, 5: hashes.SHA384, 6: hashes.SHA512,
}  # fmt: skip
PSS_HASHES: dict[int, type[hashes.HashAlgorithm]] = {
    0x0804: hashes.SHA256, 0x0805: hashes.SHA384, 0x0806: hashes.SHA512,
    0x0809: hashes.SHA256, 0x080A: hashes.SHA384, 0x080B: hashes.SHA512,
}  # fmt: skip
BRAINPOOL_HASHES: dict[int, type[hashes.HashAlgorithm]] = {
    0x081A: hashes.SHA256, 0x081B: hashes.SHA384, 0x081C: hashes.SHA512,
}  # fmt: skip
Verify = Callable[[bytes, bytes], None]


def proves_key_13(leaf: bytes, scheme: int, signature: bytes, digest: bytes) -> bool | None:
    """Whether a CertificateVerify is good; None when the scheme cannot be checked here.

    PKCS#1 v1.5 is not allowed there (RFC 8446 §4.2.3), so such a signature proves nothing.
    """
    if scheme >> 8 in HASHES and scheme & 0xFF == 1:
        return False
    return _check(leaf, scheme, signature, SERVER_CONTEXT + digest)


def proves_key_12(leaf: bytes, signed: SignedParameters, randoms: bytes) -> bool | None:
    """Whether the signature of a ServerKeyExchange is good; None when it cannot be checked here.

    `randoms` are the client's and the server's, in this order (RFC 5246 §7.4.3).
    """
    if not signed.signature:
        return False
    content = randoms + signed.parameters
    if signed.scheme is None:
        return _check(leaf, None, signed.signature, content)
    return _check(leaf, signed.scheme, signed.signature, content)


def _check(leaf: bytes, scheme: int | None, signature: bytes, content: bytes) -> bool | None:
    try:
        key = _public_key(leaf)
    except UnsupportedAlgorithm:
        return None
    except ValueError as error:
        raise Malformed(f"the server's certificate cannot be read: {error}") from error
    try:
        verify = _verifier(key, scheme)
        if verify is None:
            return None
        verify(signature, content)
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):
        return None
    return True


def _public_key(leaf: bytes) -> object:
    try:
        return load_der_public_key(der.public_key_info(leaf))
    except IndexError as error:
        raise der.DERMalformed("fields are missing") from error


def _verifier(key: object, scheme: int | None) -> Verify | None:
    """Choose the check that fits both the key and the scheme; a scheme for another key is a lie."""
    match key:
        case rsa.RSAPublicKey():
            return _rsa(key, scheme)
        case ec.EllipticCurvePublicKey():
            return _ecdsa(key, scheme)
        case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
            wanted = 0x0807 if isinstance(key, ed25519.Ed25519PublicKey) else 0x0808
            return key.verify if scheme == wanted else _never
        case dsa.DSAPublicKey():
            chosen = HASHES.get(SHA1 if scheme is None else scheme >> 8, HASHES[SHA1])()
            return lambda signature, content: key.verify(signature, content, chosen)
        case _:
            return None


def _never(_signature: bytes, _content: bytes) -> None:
    raise InvalidSignature


def _rsa(key: rsa.RSAPublicKey, scheme: int | None) -> Verify | None:
    if scheme is None:
        return lambda signature, content: _md5_sha1(key, signature, content)
    if scheme in PSS_HASHES:
        chosen = PSS_HASHES[scheme]()
        pss = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
        return lambda signature, content: key.verify(signature, content, pss, chosen)
    if scheme & 0xFF == 1 and scheme >> 8 in HASHES:
        algorithm = HASHES[scheme >> 8]()
        return lambda signature, content: key.verify(signature, content, padding.PKCS1v15(), algorithm)
    return _never


def _ecdsa(key: ec.EllipticCurvePublicKey, scheme: int | None) -> Verify:
    if scheme is None:
        algorithm = HASHES[SHA1]()  # RFC 8422 §5.4 for TLS 1.0 and 1.1
    elif scheme in BRAINPOOL_HASHES:
        algorithm = BRAINPOOL_HASHES[scheme]()
    elif scheme & 0xFF == 3 and scheme >> 8 in HASHES:
        algorithm = HASHES[scheme >> 8]()
    else:
        return _never
    return lambda signature, content: key.verify(signature, content, ec.ECDSA(algorithm))


def _md5_sha1(key: rsa.RSAPublicKey, signature: bytes, content: bytes) -> None:
    """Check the RSA signature of TLS 1.0 and 1.1: MD5 and SHA-1 side by side (RFC 4346 §7.4.3)."""
    digest = b"".join(_digest(HASHES[number](), content) for number in (MD5, SHA1))
    numbers = key.public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    opened = pow(int.from_bytes(signature), numbers.e, numbers.n).to_bytes(size)
    if opened != b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest:
        raise InvalidSignature


def _digest(algorithm: hashes.HashAlgorithm, content: bytes) -> bytes:
    hasher = hashes.Hash(algorithm)
    hasher.update(content)
    return hasher.finalize()
