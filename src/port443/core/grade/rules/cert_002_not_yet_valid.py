"""The certificate is not valid yet.

Every client refuses it until its notBefore; or the server's or this machine's clock is
wrong.

References: RFC 5280 §4.1.2.5
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CLOCK
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.NOT_YET_VALID)


RULE = Rule("P443-CERT-002", Severity.CRITICAL, check, __doc__, CLOCK)
