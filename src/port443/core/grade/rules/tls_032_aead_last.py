"""Authenticated encryption is offered, but not preferred.

The server chooses a CBC suite although the client offers AES-GCM or ChaCha20-Poly1305 before it.

References: RFC 9325 §4.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_preference
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_preference(facts, Version.TLS_1_2, lambda suite: suite.is_aead)


RULE = Rule("P443-TLS-032", Severity.LOW, check, __doc__, MODERN_SUITES)
