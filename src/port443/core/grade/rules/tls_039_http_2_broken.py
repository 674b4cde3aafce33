"""HTTP/2 is chosen and does not work.

A browser that offers h2 gets it, and then no page: what follows the handshake is not HTTP/2.

References: RFC 9113 §3.4, RFC 7301 §3.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import WORKING_HTTP_2
from port443.core.grade.rule import Outcome, Rule, Severity, by_trait
from port443.core.probe.verdict import Standing


def check(facts: ScanFacts) -> Outcome:
    return by_trait(facts, "http2", bad=Standing.NO)


RULE = Rule("P443-TLS-039", Severity.MEDIUM, check, __doc__, WORKING_HTTP_2)
