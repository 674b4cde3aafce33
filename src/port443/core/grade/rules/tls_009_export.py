"""Export suites are offered.

Export suites were made weak by law: 40-bit ciphers and 512-bit keys, broken in hours. FREAK and
Logjam press good clients into them.

References: RFC 9325 §4.1, CVE-2015-0204, CVE-2015-4000
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_export)


RULE = Rule("P443-TLS-009", Severity.CRITICAL, check, __doc__, MODERN_SUITES)
