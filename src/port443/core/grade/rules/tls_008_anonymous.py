"""Suites without a certificate are offered.

With an anonymous key exchange the server is not authenticated, so that a man in the middle needs no
certificate.

References: RFC 9325 §4.1, RFC 5246 §A.5
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_anonymous)


RULE = Rule("P443-TLS-008", Severity.CRITICAL, check, __doc__, MODERN_SUITES)
