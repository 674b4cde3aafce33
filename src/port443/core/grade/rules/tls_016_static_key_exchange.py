"""Suites without forward secrecy are offered.

The traffic of clients that choose such a suite can be decrypted later with the private key. RSA key exchange
is also exposed to Bleichenbacher's attack and its variants.

References: RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: not suite.is_forward_secret and not suite.is_null)


RULE = Rule("P443-TLS-016", Severity.LOW, check, __doc__, MODERN_SUITES)
