"""The chain is incomplete.

The server does not send the certificate that signed its own. Browsers may find it elsewhere; curl,
Java, phones and other servers do not.

References: RFC 8446 §4.4.2, RFC 5246 §7.4.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CHAIN_IN_ORDER
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    if facts.roots_are_public:
        return by_faults(facts, ChainFault.INCOMPLETE)
    # With --cacert the user states that the chain leads to one of these roots.
    return by_faults(facts, ChainFault.INCOMPLETE, ChainFault.UNKNOWN_ISSUER)


RULE = Rule("P443-CERT-005", Severity.HIGH, check, __doc__, CHAIN_IN_ORDER)
