"""No suite with authenticated encryption is offered.

CBC suites check what they decrypt too late; every few years that costs a Lucky13 or a POODLE. AES-
GCM and ChaCha20-Poly1305 check first.

References: RFC 9325 §4.2, RFC 5116
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    suites = [suite for _, suite in facts.suites]
    if any(suite.is_aead for suite in suites):
        return None
    doubt = doubt_about(facts, set(Version))
    if doubt is not None or not suites:
        return doubt or Unsure("no suite was seen")
    return Found(f"none of {len(suites)} suites")


RULE = Rule("P443-TLS-014", Severity.MEDIUM, check, __doc__, MODERN_SUITES)
