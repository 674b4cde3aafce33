"""SSL 3.0 is offered.

SSL 3.0 has no defence against a changed padding, so that a man in the middle reads cookies byte by
byte. Nothing newer than Windows XP needs it.

References: RFC 7568, CVE-2014-3566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.SSL_3).offered, "the server chose SSL 3.0")


RULE = Rule("P443-TLS-002", Severity.HIGH, check, __doc__, MODERN_VERSIONS)
