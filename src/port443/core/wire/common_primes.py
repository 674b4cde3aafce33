"""The primes of finite-field Diffie-Hellman that many servers share, by their names.

Those of RFC 2409 §6 and RFC 3526 are 2^b - 2^(b-64) + (floor(2^(b-130) pi) + x) 2^64 - 1; with e in the
place of pi they are those of RFC 7919.
"""

from functools import cache

from port443.core.wire.finite_field import SIZES, prime
from port443.core.wire.groups import group_name

OAKLEY = {
    "Oakley group 1 (RFC 2409)": (768, 149_686),
    "Oakley group 2 (RFC 2409)": (1024, 129_093),
    "group 5 of RFC 3526": (1536, 741_804),
    "group 14 of RFC 3526": (2048, 124_476),
    "group 15 of RFC 3526": (3072, 1_690_314),
    "group 16 of RFC 3526": (4096, 240_904),
    "group 17 of RFC 3526": (6144, 929_484),
    "group 18 of RFC 3526": (8192, 4_743_158),
}


def common_prime(number: int) -> str | None:
    """Name a prime that servers share; None for one that is not known here."""
    return _names().get(number)


@cache
def _names() -> dict[int, str]:
    named = {_oakley(bits, offset): name for name, (bits, offset) in OAKLEY.items()}
    return named | {prime(group): f"{group_name(group)} (RFC 7919)" for group in SIZES}


def _oakley(bits: int, offset: int) -> int:
    return (1 << bits) - (1 << (bits - 64)) + ((_pi(bits - 130) + offset) << 64) - 1


@cache
def _pi(bits: int) -> int:
    """Return floor(2^bits pi) by Machin's formula, with guard bits against rounding."""
    one = 1 << (bits + 64)
    return 4 * (4 * _arctan(5, one) - _arctan(239, one)) >> 64


def _arctan(inverse: int, one: int) -> int:
    """Return the arc tangent of 1/inverse, in units of 1/one."""
    term = one // inverse
    total, divisor, sign = term, 1, 1
    while term:
        term //= inverse * inverse
        divisor += 2
        sign = -sign
        total += sign * (term // divisor)
    return total
