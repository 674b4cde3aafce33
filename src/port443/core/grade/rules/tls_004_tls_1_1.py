"""TLS 1.1 is offered.

TLS 1.1 depends on MD5 and SHA-1 and has no AEAD cipher. No client needs it: one without TLS
1.2 supports only TLS 1.0.

References: RFC 8996, RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.TLS_1_1).offered, "the server chose TLS 1.1")


RULE = Rule("P443-TLS-004", Severity.MEDIUM, check, __doc__, MODERN_VERSIONS)
