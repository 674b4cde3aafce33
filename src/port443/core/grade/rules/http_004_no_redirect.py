"""Plain HTTP does not lead to https.

Users who type the name without https:// stay on plain HTTP, and so do all links made that way. A port that
is closed, or answers with an error, is safe too, but loses those users.

References: RFC 9110 §15.4, hstspreload.org
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import REDIRECT
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if web.http_closed or web.redirect.is_yes:
        return None
    return Unsure(web.redirect.reason) if web.redirect.is_unknown else Found(web.redirect.reason)


RULE = Rule("P443-HTTP-004", Severity.MEDIUM, check, __doc__, REDIRECT)
