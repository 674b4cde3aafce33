"""No suite with forward secrecy is offered.

An attacker who records the traffic today and gets the private key years later decrypts all of it. (EC)DHE
makes a key for each connection and discards it.

References: RFC 9325 §4.1, §7.3
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    suites = [suite for _, suite in facts.suites]
    if any(suite.is_forward_secret for suite in suites):
        return None
    doubt = doubt_about(facts, set(Version))
    if doubt is not None or not suites:
        return doubt or Unsure("no suite was seen")
    return Found(f"none of {len(suites)} suites")


RULE = Rule("P443-TLS-015", Severity.HIGH, check, __doc__, MODERN_SUITES)
