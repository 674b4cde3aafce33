"""RSA keys that are weak by their public half: exponents, common factors, close primes, ROCA."""

import math
from functools import cache, lru_cache

from port443.core import der

RSA_KEY = "1.2.840.113549.1.1.1"
LEAST_EXPONENT = 3
SMALL = 1 << 12
"""Primes below this are tried as factors."""
FERMAT_ROUNDS = 100
"""Primes that differ in their lower half are found in one; random ones never are."""
ROCA_GENERATOR = 65537
ROCA_PRIMES = (
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
)  # fmt: skip
"""Modulo each of these an affected modulus is a power of the generator (CVE-2017-15361)."""
KEPT = 1024


@lru_cache(KEPT)
def rsa_weakness(spki: bytes) -> str | None:
    """Return why the RSA key of a SubjectPublicKeyInfo is broken; None when nothing is found.

    A key that is not RSA, or that cannot be read, has no finding here.
    """
    try:
        modulus, exponent = _numbers(spki)
    except (ValueError, IndexError):
        return None
    if exponent < LEAST_EXPONENT or exponent % 2 == 0:
        return f"its exponent is {exponent}"
    factor = math.gcd(modulus, _small_primes())
    if factor > 1:
        return f"its modulus has a small factor ({_least_factor(factor)})"
    if _has_close_primes(modulus):
        return "its two primes are close to each other, and found by Fermat's method"
    if _is_roca(modulus):
        return "it was made by a faulty chip (ROCA), and can be factored"
    return None


def _numbers(spki: bytes) -> tuple[int, int]:
    algorithm, key = der.only(spki, der.SEQUENCE).children()
    if der.object_identifier(algorithm.children()[0].content) != RSA_KEY:
        raise der.DERMalformed("no RSA key")
    modulus, exponent = der.only(key.content[1:], der.SEQUENCE).children()
    return int.from_bytes(modulus.content), int.from_bytes(exponent.content)


@cache
def _small_primes() -> int:
    """Return the product of all small primes, whose common factor with a modulus is 1 when it has none."""
    return math.prod(n for n in range(2, SMALL) if all(n % d for d in range(2, math.isqrt(n) + 1)))


def _least_factor(number: int) -> int:
    return next(n for n in range(2, SMALL) if number % n == 0)


def _has_close_primes(modulus: int) -> bool:
    """Whether the modulus is a difference of two squares of which the larger is close to it."""
    middle = math.isqrt(modulus - 1) + 1
    for _ in range(FERMAT_ROUNDS):
        rest = middle * middle - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
        middle += 1
    return False


def _is_roca(modulus: int) -> bool:
    return all(modulus % prime in _powers(prime) for prime in ROCA_PRIMES)


@cache
def _powers(prime: int) -> frozenset[int]:
    """Return all powers of the generator modulo a prime."""
    return frozenset(pow(ROCA_GENERATOR, n, prime) for n in range(prime))
