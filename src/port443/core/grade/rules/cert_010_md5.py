"""The chain is signed with MD5 or MD2.

A second certificate with the same MD5 is made in minutes on one machine; it has been done against a
real CA.

References: RFC 6151, CVE-2004-2761
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_signatures

BROKEN = {"md5", "md2"}


def check(facts: ScanFacts) -> Outcome:
    return by_signatures(facts, BROKEN)


RULE = Rule("P443-CERT-010", Severity.CRITICAL, check, __doc__, NEW_CERTIFICATE)
