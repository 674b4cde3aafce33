"""Early data is acted on before the handshake is whole.

Whoever records such a request can send it again as often as they like, and the server does each time what it
says. A POST has to wait for the handshake, or to be refused with 425 (Too Early).

References: RFC 8446 §8, RFC 8470 §3
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import EARLY_DATA
from port443.core.grade.rule import Outcome, Rule, Severity, by_trait


def check(facts: ScanFacts) -> Outcome:
    return by_trait(facts, "early_data_post")


RULE = Rule("P443-TLS-037", Severity.HIGH, check, __doc__, EARLY_DATA)
