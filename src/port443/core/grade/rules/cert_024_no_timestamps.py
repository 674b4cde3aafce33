"""A public certificate has no signed certificate timestamps.

Browsers refuse certificates of public CAs that no log of Certificate Transparency has promised to show.

References: RFC 6962 §3.3, Chrome Certificate Transparency Policy
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains


def _unlogged(chain: JudgedChain) -> str | None:
    leaf = chain.leaf
    is_public = chain.verdict.is_trusted and not chain.leaf.is_self_signed
    return (
        None if leaf.extensions.has_scts or not is_public else f"none in {leaf.subject or leaf.fingerprint}"
    )


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _unlogged) if facts.roots_are_public else None


RULE = Rule("P443-CERT-024", Severity.LOW, check, __doc__, NEW_CERTIFICATE)
