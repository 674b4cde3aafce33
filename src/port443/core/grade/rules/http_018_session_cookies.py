"""Cookies of sessions are open to scripts or to other sites.

Without HttpOnly one script in the page takes the session away; without SameSite other sites send requests
with it.

References: RFC 6265 §4.1.2.6, MDN HTTP Observatory
"""

from port443.core.grade.cookies import cookies_of
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SESSION_COOKIES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    for cookie in cookies_of(facts.web.fields):
        lacks = [] if "httponly" in cookie.attributes or not cookie.is_session else ["HttpOnly"]
        lacks += ["SameSite"] if cookie.is_guard and cookie.same_site is None else []
        lacks += [] if cookie.is_same_site_valid else ["a SameSite that browsers heed"]
        if lacks:
            return Found(f"{cookie.name} lacks {' and '.join(lacks)}")
    return None


RULE = Rule("P443-HTTP-018", Severity.MEDIUM, check, __doc__, SESSION_COOKIES)
