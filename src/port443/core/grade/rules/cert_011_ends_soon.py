"""The certificate is close to its end.

Less than a sixth of its lifetime is left, so that its renewal, due at a third, must have failed
repeatedly. Days are no measure: a lifetime may be six days or two hundred.

References: RFC 9773
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import RENEWAL
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

SHARE = 6


def _ending(facts: ScanFacts, chain: JudgedChain) -> str | None:
    leaf = chain.leaf
    left = leaf.not_after - facts.now
    if not leaf.is_valid_at(facts.now) or left * SHARE >= leaf.lifetime:
        return None
    return f"ends {leaf.not_after:%Y-%m-%d %H:%M} UTC, {left.days} of {leaf.lifetime.days} days are left"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, lambda chain: _ending(facts, chain))


RULE = Rule("P443-CERT-011", Severity.MEDIUM, check, __doc__, RENEWAL)
