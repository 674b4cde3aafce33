"""TLS 1.3 is not offered.

TLS 1.3 saves a round trip, encrypts the certificate, and has none of the choices that went wrong
before. Post-quantum key exchange exists only there.

References: RFC 8446, RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import TLS_1_3
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    offered = facts.server.version(Version.TLS_1_3).offered
    if offered.is_unknown:
        return Unsure(offered.reason)
    return None if offered.is_yes else Found(offered.reason)


RULE = Rule("P443-TLS-006", Severity.LOW, check, __doc__, TLS_1_3)
