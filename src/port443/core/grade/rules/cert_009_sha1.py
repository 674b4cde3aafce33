"""The chain is signed with SHA-1.

Two certificates with the same SHA-1 can be made for money. Clients have refused such signatures
since 2017.

References: CA/B Baseline Requirements §7.1.3.2, RFC 9155
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

BROKEN = {"sha1"}


def _signed_so(chain: JudgedChain) -> str | None:
    """Look at all but the root: nobody checks what a root says of itself."""
    for one in chain.verdict.path:
        if one.signature.hash in BROKEN and not one.is_self_signed:
            return f"{one.signature.name} on {one.subject or one.fingerprint}"
    leaf = chain.leaf
    return leaf.signature.name if leaf.signature.hash in BROKEN else None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _signed_so)


RULE = Rule("P443-CERT-009", Severity.HIGH, check, __doc__, NEW_CERTIFICATE)
