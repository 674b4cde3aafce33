"""Suites without encryption are offered.

A NULL suite protects against changes at best: the traffic can be read in transit.

References: RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_null)


RULE = Rule("P443-TLS-007", Severity.CRITICAL, check, __doc__, MODERN_SUITES)
