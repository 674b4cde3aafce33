"""Any site may read pages in the user's name.

The server repeats whatever origin asks and allows credentials: a page of an attacker reads what the user
who visits it sees here.

References: Fetch §3.2, CWE-942
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CORS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    words = "a strange Origin is sent back with Access-Control-Allow-Credentials: true"
    return Found(words) if facts.web.shares_with_all else None


RULE = Rule("P443-HTTP-016", Severity.HIGH, check, __doc__, CORS)
