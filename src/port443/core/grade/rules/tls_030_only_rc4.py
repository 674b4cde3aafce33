"""Only RC4 suites are offered.

Browsers removed RC4 in 2016: most people cannot reach the site at all, and the traffic of the others can
be decrypted by an eavesdropper with enough of it.

References: RFC 7465, CVE-2013-2566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, doubt_about
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    suites = [suite for _, suite in facts.suites]
    if not suites or not all(suite.is_rc4 for suite in suites):
        return None
    return doubt_about(facts, set(Version)) or Found(f"all of {len(suites)} suites")


RULE = Rule("P443-TLS-030", Severity.CRITICAL, check, __doc__, MODERN_SUITES)
