"""A small prime is shared with many servers.

To break a group of 1024 bits takes one great effort, after which every connection in it is opened at little
cost. It pays for a prime that many servers have.

References: CVE-2015-4000, RFC 9325 §4.2.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import STRONG_PRIMES
from port443.core.grade.rule import Found, Outcome, Rule, Severity

ENOUGH_BITS = 2048


def check(facts: ScanFacts) -> Outcome:
    trait = facts.trait("dh_prime")
    sizes = [one.prime_bits for facts_ in facts.server.versions for one in facts_.choices if one.prime_bits]
    if trait is None or not trait.verdict.is_yes or min(sizes, default=ENOUGH_BITS) >= ENOUGH_BITS:
        return None
    return Found(trait.verdict.reason)


RULE = Rule("P443-TLS-041", Severity.HIGH, check, __doc__, STRONG_PRIMES)
