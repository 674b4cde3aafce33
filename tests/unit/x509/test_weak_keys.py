"""RSA keys whose public half gives the private one away, and those that do not."""

import math
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from port443.core.x509.weak_keys import ROCA_GENERATOR, ROCA_PRIMES, rsa_weakness
from raw_x509 import rsa_spki

DICE = random.Random(443)  # noqa: S311 - numbers for tests


def is_prime(number: int) -> bool:
    return number > 3 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7, 11, 13))


def next_prime(number: int) -> int:
    return next(n for n in range(number | 1, number + 100_000, 2) if is_prime(n))


def random_prime(bits: int) -> int:
    return next_prime(DICE.getrandbits(bits) | 1 << (bits - 1))


def close() -> int:
    first = random_prime(1024)
    return first * next_prime(first + 2**300)


def faulty() -> int:
    """Make a modulus as the faulty library does: primes k * M + (65537^a mod M)."""
    product = math.prod((2, *ROCA_PRIMES))
    found: list[int] = []
    while len(found) < 2:
        candidate = DICE.getrandbits(250) * product + pow(ROCA_GENERATOR, DICE.getrandbits(60), product)
        if is_prime(candidate):
            found.append(candidate)
    return found[0] * found[1]


GOOD = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
WEAK = {
    "exponent 1": (GOOD.n, 1, "exponent is 1"),
    "an even exponent": (GOOD.n, 65536, "exponent is 65536"),
    "a small factor": (random_prime(2036) * 4093, 65537, "small factor (4093)"),
    "close primes": (close(), 65537, "Fermat"),
    "a faulty chip": (faulty(), 65537, "ROCA"),
}


@pytest.mark.parametrize("what", WEAK)
def test_a_broken_key_is_told_why(what: str) -> None:
    modulus, exponent, words = WEAK[what]
    assert words in (rsa_weakness(rsa_spki(modulus, exponent)) or "")


@pytest.mark.parametrize("exponent", [3, 17, 65537])
def test_an_ordinary_key_has_no_weakness(exponent: int) -> None:
    """Nor has one of another kind."""
    key = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    assert rsa_weakness(rsa_spki(key.n, exponent)) is None
    curve = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert rsa_weakness(curve.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)) is None


@given(st.binary(max_size=300) | st.builds(rsa_spki, st.integers(0, 2**64), st.integers(0, 2**17)))
def test_any_octets_are_judged(spki: bytes) -> None:
    """None raises, whatever stands there."""
    assert rsa_weakness(spki) != ""
