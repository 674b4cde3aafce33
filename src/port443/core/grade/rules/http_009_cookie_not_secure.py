"""Cookies may be sent in plaintext.

A cookie without Secure is sent with http:// as well: one plain link reveals it to an eavesdropper.

References: RFC 6265 §4.1.2.5, RFC 6265 §8.3
"""

from port443.core.grade.cookies import cookies_of
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SECURE_COOKIES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, listed


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    open_ones = [cookie.name for cookie in cookies_of(facts.web.fields) if "secure" not in cookie.attributes]
    return Found(f"without Secure: {listed(open_ones)}") if open_ones else None


RULE = Rule("P443-HTTP-009", Severity.MEDIUM, check, __doc__, SECURE_COOKIES)
