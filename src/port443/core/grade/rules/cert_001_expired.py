"""The certificate has expired.

Every client refuses it. An intermediate that ended counts as well, when no other path leads to a
root.

References: RFC 5280 §4.1.2.5
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import RENEWAL
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.EXPIRED)


RULE = Rule("P443-CERT-001", Severity.CRITICAL, check, __doc__, RENEWAL)
