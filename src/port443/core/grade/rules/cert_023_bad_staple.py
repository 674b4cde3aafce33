"""The stapled OCSP response is of no use.

Clients that look at it refuse the site, or ask the CA themselves, which tells it who visits.

References: RFC 6960 §4.2.2, RFC 6066 §8
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import FRESH_STAPLE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains
from port443.core.x509.ocsp import Revocation


def _useless(chain: JudgedChain) -> str | None:
    if chain.staple is None or chain.staple.state is not Revocation.INVALID:
        return None
    return f"{chain.leaf.subject or chain.leaf.fingerprint}: {chain.staple.reason}"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _useless)


RULE = Rule("P443-CERT-023", Severity.MEDIUM, check, __doc__, FRESH_STAPLE)
