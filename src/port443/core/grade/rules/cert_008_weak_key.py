"""The certificate's key is too short.

RSA below 2048 bits and curves below 224 bits have been within reach of factoring for years; CAs may
not certify them.

References: CA/B Baseline Requirements §6.1.5, RFC 9325 §4.5
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import STRONG_KEY
from port443.core.grade.rule import Outcome, Rule, Severity, Unsure, by_chains

LEAST_BITS = {"rsa": 2048, "dsa": 2048, "ec": 224}


def _weak(chain: JudgedChain) -> str | None:
    for one in chain.verdict.path:
        if 0 < one.key.bits < LEAST_BITS.get(one.key.kind, 0):
            return f"{one.key} in {one.subject or one.fingerprint}"
    return None


def check(facts: ScanFacts) -> Outcome:
    outcome = by_chains(facts, _weak)
    if outcome is not None:
        return outcome
    path = (one for chain in facts.chains for one in chain.verdict.path)
    unread = next((one for one in path if one.key.kind == "other" and not one.key.is_post_quantum), None)
    if unread is None:
        return None
    return Unsure(f"how strong {unread.key} in {unread.subject or unread.fingerprint} is, is not known")


RULE = Rule("P443-CERT-008", Severity.HIGH, check, __doc__, STRONG_KEY)
