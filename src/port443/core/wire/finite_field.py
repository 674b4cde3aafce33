"""The finite-field groups ffdhe2048 to ffdhe8192 (RFC 7919 appendix A), for a client's one key."""

from functools import cache

from port443.core.wire.groups import group_name
from port443.core.wire.reading import Malformed

SIZES = {  # bits of the prime, and the number that makes it a safe one
    256: (2048, 560_316),
    257: (3072, 2_625_351),
    258: (4096, 5_736_041),
    259: (6144, 15_705_020),
    260: (8192, 10_965_728),
}
EXPONENT = 50
"""Bytes of a private key; no group of these needs more (RFC 7919 §5.2)."""


class FiniteFieldShare:
    """A key of one of the groups; public keys and secrets are as long as the prime (RFC 8446 §7.4.1)."""

    def __init__(self, group: int, seed: bytes) -> None:
        self.group = group
        self._prime = prime(group)
        self._private = int.from_bytes(seed[:EXPONENT]) | 1 << 8 * EXPONENT - 1
        self.public = self._encode(pow(2, self._private, self._prime))

    def shared(self, peer: bytes) -> bytes:
        number = int.from_bytes(peer)
        if len(peer) != len(self.public) or not 1 < number < self._prime - 1:
            raise Malformed(f"the server's {group_name(self.group)} key is not in the group")
        return self._encode(pow(number, self._private, self._prime))

    def _encode(self, number: int) -> bytes:
        return number.to_bytes(SIZES[self.group][0] // 8)


@cache
def prime(group: int) -> int:
    """Return the prime of a group: 2^b - 2^(b-64) + (floor(2^(b-130) e) + x) 2^64 - 1."""
    bits, offset = SIZES[group]
    return (1 << bits) - (1 << (bits - 64)) + ((_euler(bits - 130) + offset) << 64) - 1


def _euler(bits: int) -> int:
    """Return floor(2^bits e) by the series 1/0! + 1/1! + 1/2! + …, with guard bits against rounding."""
    guard = 64
    term: int = 1 << (bits + guard)
    total = term
    divisor = 1
    while term:
        term //= divisor
        total += term
        divisor += 1
    return total >> guard
