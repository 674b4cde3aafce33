"""The chain is out of order.

Each certificate should sign the one before it. Today's clients sort the chain themselves; old and
small ones do not.

References: RFC 5246 §7.4.2, RFC 8446 §4.4.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CHAIN_IN_ORDER
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.OUT_OF_ORDER)


RULE = Rule("P443-CERT-006", Severity.LOW, check, __doc__, CHAIN_IN_ORDER)
