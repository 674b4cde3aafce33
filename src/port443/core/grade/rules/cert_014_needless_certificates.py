"""The server sends needless certificates.

A root that the client does not have is not trusted; duplicates and unrelated certificates only make
each handshake longer. Clients that look for no other path refuse a chain with one that has ended.

References: RFC 8446 §4.4.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CHAIN_IN_ORDER
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.ROOT_SENT, ChainFault.DUPLICATE, ChainFault.UNRELATED)


RULE = Rule("P443-CERT-014", Severity.INFO, check, __doc__, CHAIN_IN_ORDER)
