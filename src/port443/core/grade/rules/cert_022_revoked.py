"""The certificate is revoked.

Its CA has taken it back, mostly since its key is in other hands. Clients that ask refuse it.

References: RFC 6960 §2.2, RFC 5280 §5
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, by_chains
from port443.core.x509.ocsp import Revocation


def _revoked(chain: JudgedChain) -> str | None:
    known = chain.revocation
    if known is None or known.state is not Revocation.REVOKED:
        return None
    return f"{chain.leaf.subject or chain.leaf.fingerprint} {known.reason}"


def check(facts: ScanFacts) -> Outcome:
    outcome = by_chains(facts, _revoked)
    silent = next((chain.asked for chain in facts.chains if isinstance(chain.asked, str)), None)
    return outcome if silent is None or isinstance(outcome, Found) else Unsure(silent)


RULE = Rule("P443-CERT-022", Severity.CRITICAL, check, __doc__, NEW_CERTIFICATE)
