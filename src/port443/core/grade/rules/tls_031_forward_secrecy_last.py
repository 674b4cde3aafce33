"""Forward secrecy is offered, but not preferred.

The server chooses a suite without it although the client offers better ones: the private key decrypts
recorded traffic years later.

References: RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_preference
from port443.core.wire.suites import Suite
from port443.core.wire.versions import Version


def _keeps_secrets(suite: Suite) -> bool:
    return suite.is_forward_secret and not suite.is_anonymous


def check(facts: ScanFacts) -> Outcome:
    return by_preference(facts, Version.TLS_1_2, _keeps_secrets)


RULE = Rule("P443-TLS-031", Severity.MEDIUM, check, __doc__, MODERN_SUITES)
