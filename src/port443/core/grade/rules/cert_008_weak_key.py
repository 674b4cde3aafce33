"""The certificate's key is too short.

RSA below 2048 bits and curves below 224 bits have been within reach of factoring for years; CAs may
not certify them.

References: CA/B Baseline Requirements §6.1.5, RFC 9325 §4.5
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import STRONG_KEY
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

LEAST_BITS = {"rsa": 2048, "dsa": 2048, "ec": 224}


def _weak(chain: JudgedChain) -> str | None:
    for one in chain.verdict.path:
        if 0 < one.key.bits < LEAST_BITS.get(one.key.kind, 0):
            return f"{one.key} in {one.subject or one.fingerprint}"
    return None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _weak)


RULE = Rule("P443-CERT-008", Severity.HIGH, check, __doc__, STRONG_KEY)
