"""The chain ends at a CA that is not trusted.

The chain may be complete, but this client does not trust the CA where it ends. That is normal
for a private CA: scan with --cacert ROOT.pem, the root certificate of that CA.

References: RFC 5280 §6.1
"""

from functools import partial

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import TRUSTED_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, Unsure, by_chains, by_faults
from port443.core.x509.chain import ChainFault

ENDS_EARLY = (ChainFault.INCOMPLETE, ChainFault.UNKNOWN_ISSUER)
HOW = "If you trust this CA, scan with --cacert ROOT.pem, where ROOT.pem is its root certificate"


def check(facts: ScanFacts) -> Outcome:
    found = by_chains(facts, partial(_outside_the_store, facts))
    if found is None and by_faults(facts, *ENDS_EARLY) is not None:
        return Unsure("the chain ends before its root")
    return found


def _outside_the_store(facts: ScanFacts, chain: JudgedChain) -> str | None:
    """Name the CA, and the option for one that the user trusts."""
    store = "the system's store" if facts.roots_are_public else "the file of --cacert"
    for note in chain.verdict.notes:
        last = note.certificate
        if last is not None and note.fault is ChainFault.UNTRUSTED_ROOT:
            return f"issued by a CA that is not in {store}: {last.subject}. {HOW}"
        if last is not None and note.fault is ChainFault.UNKNOWN_ISSUER and facts.roots_are_public:
            return f"issued by a CA that is not in {store}: {last.issuer}. {HOW}"
    return None


RULE = Rule("P443-CERT-004", Severity.HIGH, check, __doc__, TRUSTED_CERTIFICATE)
