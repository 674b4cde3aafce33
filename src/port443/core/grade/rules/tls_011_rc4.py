"""RC4 is offered.

RC4's first bytes are biased enough to read cookies that are sent often. It is forbidden in every
version.

References: RFC 7465, CVE-2013-2566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_rc4)


RULE = Rule("P443-TLS-011", Severity.HIGH, check, __doc__, MODERN_SUITES)
