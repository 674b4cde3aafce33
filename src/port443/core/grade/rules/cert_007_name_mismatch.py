"""The certificate is for another name.

Clients refuse a certificate that does not match the host of the URL. The common name never
counts.

References: RFC 9525 §6, RFC 2818 §3.1
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NAMED_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains, no_host_names

SHOWN = 5


def _mismatch(facts: ScanFacts, chain: JudgedChain) -> str | None:
    if chain.leaf.covers(facts.name):
        return None
    named = [str(name) for name in chain.leaf.names]
    listed = ", ".join(named[:SHOWN]) or "no host"
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    others = no_host_names(chain.leaf)
    return f"for {facts.name}, the certificate names {listed}{more}{others and f'; {others}'}"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, lambda chain: _mismatch(facts, chain))


RULE = Rule("P443-CERT-007", Severity.CRITICAL, check, __doc__, NAMED_CERTIFICATE)
