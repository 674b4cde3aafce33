"""Renegotiation is not secured.

The server does not answer renegotiation_info, so that a man in the middle can put his request
before the client's.

References: RFC 5746, CVE-2009-3555
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SECURE_RENEGOTIATION
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    offered = facts.server.offered
    secure = facts.server.secure_renegotiation
    if secure.is_no:
        return Found(secure.reason)
    if secure.is_yes or (offered and min(offered) == Version.TLS_1_3 and not facts.server.unknown_versions):
        return None  # TLS 1.3 has no renegotiation
    return Unsure(secure.reason)


RULE = Rule("P443-TLS-019", Severity.MEDIUM, check, __doc__, SECURE_RENEGOTIATION)
