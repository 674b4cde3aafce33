"""CBC suites are offered with SSL 3.0.

SSL 3.0 does not check the padding, so that each try of an attacker reads one byte in 256 (POODLE).

References: RFC 7568, CVE-2014-3566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_cbc, (Version.SSL_3,))


RULE = Rule("P443-TLS-023", Severity.HIGH, check, __doc__, MODERN_VERSIONS)
