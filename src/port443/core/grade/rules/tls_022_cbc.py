"""CBC suites are offered with TLS 1.2.

Nothing is broken, but it depends on code that must run in constant time for any plaintext (Lucky13).
Clients of TLS 1.2 without an AEAD suite are rare.

References: RFC 9325 §4.2, CVE-2013-0169
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_cbc, (Version.TLS_1_2,))


RULE = Rule("P443-TLS-022", Severity.INFO, check, __doc__, MODERN_SUITES)
