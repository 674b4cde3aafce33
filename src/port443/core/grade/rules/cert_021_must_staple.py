"""The certificate demands a stapled OCSP response, and none is sent.

A client that honours the demand (RFC 7633) refuses the site, and one that does not misses revocations.

References: RFC 7633 §4.2.3.1, RFC 6066 §8
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import STAPLING
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains


def _unstapled(chain: JudgedChain) -> str | None:
    if not chain.leaf.extensions.must_staple or chain.served.staple is not None:
        return None
    return f"no staple with {chain.leaf.subject or chain.leaf.fingerprint} ({chain.served.version.label})"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _unstapled)


RULE = Rule("P443-CERT-021", Severity.MEDIUM, check, __doc__, STAPLING)
