"""RC4 is offered with TLS 1.1 or newer.

With TLS 1.0 some used RC4 against BEAST. From TLS 1.1 on there is no such reason, and a
client that supports better suites gets RC4.

References: RFC 7465
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version

NEWER = (Version.TLS_1_1, Version.TLS_1_2)


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_rc4, NEWER)


RULE = Rule("P443-TLS-012", Severity.HIGH, check, __doc__, MODERN_SUITES)
