"""Ciphers with less than 112 bits are offered.

Single DES, RC2 and the like are found by trying all keys, in a day and for little money.

References: RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites

WEAK_BELOW = 112


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: 0 < suite.bits < WEAK_BELOW and not suite.is_export)


RULE = Rule("P443-TLS-010", Severity.CRITICAL, check, __doc__, MODERN_SUITES)
