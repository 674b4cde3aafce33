"""The certificate is signed by its own key.

A client that does not trust exactly this certificate cannot tell the server from a man in
the middle.

References: RFC 5280 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.SELF_SIGNED)


RULE = Rule("P443-CERT-003", Severity.HIGH, check, __doc__, NEW_CERTIFICATE)
