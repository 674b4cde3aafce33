"""Signatures, thumbprints and MACs, against the examples of their RFCs and a second reader."""

import json

import pytest
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from acme_ca import public_key, unpadded, verify
from acme_ca import thumbprint as thumbprint_again
from port443.core.acme.jws import (
    HASHES,
    MacAlgorithm,
    MacKeyUnreadable,
    bound,
    encode,
    is_token,
    jwk,
    mac_key_from,
    signed,
    thumbprint,
)

# RFC 7638 §3.1.
RFC_7638_N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
    "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb"
    "9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls"
    "1jF44-csFCur-kEgU8awapJzKnqDKgw"
)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)


def test_the_thumbprint_of_the_rfc() -> None:
    """Of a key whose private half is not known; ours is compared with this reader below."""
    assert "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" == thumbprint_again(
        public_key({"kty": "RSA", "e": "AQAB", "n": RFC_7638_N})
    )


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["ES256", "RS256"])
def test_a_second_reader_finds_the_same(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    assert thumbprint(key) == thumbprint_again(key.public_key())
    assert public_key(jwk(key)) == key.public_key()
    parts = signed(key, {"url": "https://ca.test/x", "nonce": "n"}, {"a": 1})
    header = json.loads(unpadded(parts["protected"]))
    assert header["url"] == "https://ca.test/x"
    verify(key.public_key(), header["alg"], parts)
    assert signed(key, {}, None)["payload"] == ""


@given(st.integers(1, 2**200))
def test_numbers_have_their_length_whatever_they_begin_with(secret: int) -> None:
    """A coordinate or a half of a signature that begins with zeros is as long as any (RFC 7518 §6.2.1.2)."""
    key = ec.derive_private_key(secret, ec.SECP256R1())
    assert {len(unpadded(jwk(key)[axis])) for axis in "xy"} == {32}
    parts = signed(key, {}, {})
    verify(key.public_key(), "ES256", parts)


@pytest.mark.parametrize("algorithm", list(HASHES))
def test_an_external_account_is_bound_by_a_mac(algorithm: MacAlgorithm) -> None:
    parts = bound(b"secret", algorithm, {"kid": "k", "url": "u"}, jwk(EC_KEY))
    header = json.loads(unpadded(parts["protected"]))
    assert header == {"alg": algorithm, "kid": "k", "url": "u"}
    digest = {"HS256": hashes.SHA256(), "HS384": hashes.SHA384(), "HS512": hashes.SHA512()}[algorithm]
    mac = hmac.HMAC(b"secret", digest)
    mac.update(f"{parts['protected']}.{parts['payload']}".encode())
    mac.verify(unpadded(parts["signature"]))


@given(st.binary(min_size=1, max_size=80))
def test_a_mac_key_is_read_as_cas_print_it(octets: bytes) -> None:
    word = encode(octets)
    assert mac_key_from(word) == octets
    assert mac_key_from(f"  {word}==\n") == octets
    assert mac_key_from(word.replace("-", "+").replace("_", "/")) == octets


@pytest.mark.parametrize("text", ["", "  ", "a", "ä", "kid:secret", "x" * 5])
def test_what_is_no_mac_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(MacKeyUnreadable) as raised:
        mac_key_from(text)
    assert "secret" not in raised.value.message


@given(st.text(max_size=300))
def test_a_token_is_base64url_and_bounded(text: str) -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert is_token(text) == (0 < len(text) <= 256 and set(text) <= alphabet)
