"""CBC suites are offered with TLS 1.0 or SSL 3.0.

There the block before is the next one's IV, so that an attacker who can make the browser send text
guesses the rest (BEAST). Browsers work round it; others may not.

References: CVE-2011-3389
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version

OLD = (Version.SSL_3, Version.TLS_1_0)


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_cbc, OLD)


RULE = Rule("P443-TLS-017", Severity.LOW, check, __doc__, MODERN_VERSIONS)
