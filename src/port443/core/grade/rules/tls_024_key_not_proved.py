"""The server did not prove that it holds its key.

It sent a certificate, but its signature on the handshake was not made with that certificate's
key. Another server may have answered, or the server has another key.

References: RFC 8446 §4.4.3, RFC 5246 §7.4.3
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import MATCHING_KEY
from port443.core.grade.rule import Outcome, Rule, Severity, Unsure, by_chains


def _unproved(chain: JudgedChain) -> str | None:
    if chain.served.key_proved is not False:
        return None
    return f"the signature does not fit the key of {chain.leaf.subject or chain.leaf.fingerprint}"


def check(facts: ScanFacts) -> Outcome:
    outcome = by_chains(facts, _unproved)
    if outcome is not None:
        return outcome
    unsigned = next((chain.leaf for chain in facts.chains if chain.served.key_proved is None), None)
    if unsigned is None:
        return None
    return Unsure(f"no handshake was signed with the key of {unsigned.subject or unsigned.fingerprint}")


RULE = Rule("P443-TLS-024", Severity.CRITICAL, check, __doc__, MATCHING_KEY)
