"""A signature of the chain cannot be checked here.

It was made with an algorithm that this scanner does not support. Clients may or may not.

References: RFC 5280 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    outcome = by_faults(facts, ChainFault.SIGNATURE_UNKNOWN, ChainFault.SEARCH_ENDED)
    return Unsure(outcome.evidence) if isinstance(outcome, Found) else outcome


RULE = Rule("P443-CERT-017", Severity.INFO, check, __doc__, NEW_CERTIFICATE)
