"""Points for protocol, key exchange and cipher."""

from dataclasses import dataclass

from port443.core.grade.baseline import Guide
from port443.core.grade.facts import ScanFacts

FIELD_BITS = {
    1: 163,
    2: 163,
    3: 163,
    4: 193,
    5: 193,
    6: 233,
    7: 233,
    8: 239,
    9: 283,
    10: 283,
    11: 409,
    12: 409,
    13: 571,
    14: 571,
    15: 160,
    16: 160,
    17: 160,
    18: 192,
    19: 192,
    20: 224,
    21: 224,
}
"""The size of each curve below 225 bits, and of its like; the others are worth full points."""
PRIME_BITS = {256: 2048, 257: 3072, 258: 4096, 259: 6144, 260: 8192}
"""The size of each finite-field group (RFC 7919)."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Points out of 100."""

    protocol: int
    key_exchange: int
    cipher: int
    total: int


def score(facts: ScanFacts, guide: Guide) -> Scores | None:
    """Score the accepted suites; None without any."""
    ciphers = [guide.score(guide.cipher_scores, suite.bits) for _, suite in facts.suites]
    protocols = [guide.protocol_scores[version] for version in facts.server.offered]
    if not ciphers or not protocols:
        return None
    parts = (_mean(protocols), _key_exchange(facts, guide), _mean(ciphers))
    # A category without any point leaves nothing of the whole.
    weighted = sum(weight * part for weight, part in zip(guide.weights, parts, strict=True))
    return Scores(*parts, 0 if 0 in parts else weighted // 100)


def _mean(points: list[int]) -> int:
    return (max(points) + min(points)) // 2


def _key_exchange(facts: ScanFacts, guide: Guide) -> int:
    """Score the weakest of the leaves' keys, the Diffie-Hellman primes and the curves."""
    if any(suite.is_anonymous for _, suite in facts.suites):
        return 0
    points = [100]
    for chain in facts.chains:
        key = chain.leaf.key
        if key.bits:
            steps = guide.rsa_scores if key.kind in {"rsa", "dsa"} else guide.ec_scores
            points.append(guide.score(steps, key.bits))
    for one in facts.server.versions:
        points += [guide.score(guide.rsa_scores, c.prime_bits) for c in one.choices if c.prime_bits]
    for group in facts.server.groups:
        if group in FIELD_BITS:
            points.append(guide.score(guide.ec_scores, FIELD_BITS[group]))
        elif group in PRIME_BITS:
            points.append(guide.score(guide.rsa_scores, PRIME_BITS[group]))
    return min(points)
