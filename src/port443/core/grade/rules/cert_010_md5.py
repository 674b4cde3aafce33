"""The chain is signed with MD5 or MD2.

A second certificate with the same MD5 is made in minutes on one machine; it has been done against a
real CA.

References: RFC 6151, CVE-2004-2761
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

BROKEN = {"md5", "md2"}


def _signed_so(chain: JudgedChain) -> str | None:
    """Look at all but the root: nobody checks what a root says of itself."""
    for one in chain.verdict.path:
        if one.signature.hash in BROKEN and not one.is_self_signed:
            return f"{one.signature.name} on {one.subject or one.fingerprint}"
    leaf = chain.leaf
    return leaf.signature.name if leaf.signature.hash in BROKEN else None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _signed_so)


RULE = Rule("P443-CERT-010", Severity.CRITICAL, check, __doc__, NEW_CERTIFICATE)
