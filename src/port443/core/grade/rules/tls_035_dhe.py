"""DHE suites are offered with TLS 1.2.

Finite-field Diffie-Hellman is slow, its groups are not negotiated, and a server that uses one key
for many connections is exposed to Raccoon. ECDHE has none of that.

References: RFC 9325 §4.1, CVE-2020-1968
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.key_exchange == "DHE", (Version.TLS_1_2,))


RULE = Rule("P443-TLS-035", Severity.INFO, check, __doc__, MODERN_SUITES)
