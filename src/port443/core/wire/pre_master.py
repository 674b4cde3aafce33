"""The client's key up to TLS 1.2, and the secret that it makes (RFC 5246 §7.4.7, RFC 8422 §5.7)."""

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from port443.core import der
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.flight import Flight
from port443.core.wire.key_share import key_share
from port443.core.wire.messages import SignedParameters
from port443.core.wire.reading import Malformed, Reader, vector
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.suites import suite

RANDOM = 46
MIN_PRIME_BITS = 256


def client_key(flight: Flight, offered: ClientHello, chosen: ServerHello, seed: bytes) -> tuple[bytes, bytes]:
    """Return the body of the ClientKeyExchange and the secret, made from `SEED` random bytes."""
    if suite(chosen.suite).key_exchange == "RSA":
        return _encrypted(flight, offered, seed)
    signed = flight.signed
    if signed is None:
        raise Malformed("the server sent no key to exchange")
    if signed.group is None:
        return _finite(signed, seed)
    share = key_share(signed.group, seed)
    return vector(1, share.public), share.shared(signed.public)


def _encrypted(flight: Flight, offered: ClientHello, seed: bytes) -> tuple[bytes, bytes]:
    """Encrypt a secret of the client's own with the certificate's key (RFC 5246 §7.4.7.1)."""
    if not flight.chain:
        raise Malformed("the server sent no certificate to encrypt with")
    try:
        key = load_der_public_key(der.public_key_info(flight.chain[0].der))
    except ValueError as error:
        raise Malformed(f"the server's certificate cannot be read: {error}") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise Malformed("the server's certificate has no RSA key to encrypt with")
    secret = offered.version.to_bytes(2) + seed[:RANDOM]
    return vector(2, key.encrypt(secret, padding.PKCS1v15())), secret


def _finite(signed: SignedParameters, seed: bytes) -> tuple[bytes, bytes]:
    """Exchange in the server's finite-field group (RFC 5246 §8.1.2)."""
    reader = Reader(signed.parameters, "the ServerKeyExchange")
    prime, base = int.from_bytes(reader.vector(2, 1)), int.from_bytes(reader.vector(2, 1))
    if prime.bit_length() < MIN_PRIME_BITS:
        raise Malformed(f"the server's prime has {prime.bit_length()} bits")
    own = int.from_bytes(seed[:32]) | 1
    shared = pow(int.from_bytes(signed.public), own, prime)
    size = (prime.bit_length() + 7) // 8
    # Its leading zeros are left out (RFC 5246 §8.1.2).
    return vector(2, pow(base, own, prime).to_bytes(size)), shared.to_bytes(size).lstrip(b"\x00")
