"""Clients may renegotiate.

A client asks for one handshake after the other over one connection, which costs it little and the server a
signature each time. TLS 1.3 has done away with it.

References: RFC 5746 §1, CVE-2011-1473
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NO_RENEGOTIATION
from port443.core.grade.rule import Outcome, Rule, Severity, by_trait


def check(facts: ScanFacts) -> Outcome:
    return by_trait(facts, "client_renegotiation")


RULE = Rule("P443-TLS-036", Severity.LOW, check, __doc__, NO_RENEGOTIATION)
