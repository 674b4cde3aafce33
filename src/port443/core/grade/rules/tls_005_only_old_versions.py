"""Neither TLS 1.2 nor TLS 1.3 is offered.

Today's browsers and libraries support nothing older, so that most people cannot reach the site at
all, and those who can are not safe.

References: RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    newest = [facts.server.version(version).offered for version in (Version.TLS_1_2, Version.TLS_1_3)]
    if any(offered.is_yes for offered in newest):
        return None
    for offered in newest:
        if offered.is_unknown:
            return Unsure(offered.reason)
    return Found("both were refused: " + ", ".join(dict.fromkeys(offered.reason for offered in newest)))


RULE = Rule("P443-TLS-005", Severity.HIGH, check, __doc__, MODERN_VERSIONS)
