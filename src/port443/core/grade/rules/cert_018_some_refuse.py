"""The chain is valid, but some kinds of clients refuse it.

RFC 5280 allows what is in it, and OpenSSL accepts it. Clients that are named in the evidence do not
process it: for them the site is down.

References: RFC 5280 §4.2.1.4, RFC 5280 §4.2.1.11, RFC 5280 §7.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import OTHER_INTERMEDIATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.SOME_REFUSE)


RULE = Rule("P443-CERT-018", Severity.MEDIUM, check, __doc__, OTHER_INTERMEDIATE)
