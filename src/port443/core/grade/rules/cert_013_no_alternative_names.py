"""The certificate names no host in its subjectAltName.

Clients look for the host only there. A name in the subject has not counted since 2017.

References: RFC 9525 §2, RFC 2818 §3.1
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains, no_host_names


def _nameless(chain: JudgedChain) -> str | None:
    leaf = chain.leaf
    if leaf.names:
        return None
    if others := no_host_names(leaf):
        return others
    return f"there is only the common name {leaf.common_name}" if leaf.common_name else "it names no host"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _nameless)


RULE = Rule("P443-CERT-013", Severity.HIGH, check, __doc__, NEW_CERTIFICATE)
