"""Plain HTTP sets cookies.

They are sent before the way leads to https: who listens has them, and who sits on the way sets others.

References: RFC 6265 §8.6
"""

from port443.core.grade.cookies import cookies_of
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NO_CLEAR_COOKIES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, listed


def check(facts: ScanFacts) -> Outcome:
    first = [cookie.name for cookie in cookies_of(facts.web.clear_fields)]
    names = dict.fromkeys([*first, *(name for hop in facts.web.hops if hop.is_clear for name in hop.cookies)])
    return Found(f"port {facts.web.http_port} sets {listed(names)}") if names else None


RULE = Rule("P443-HTTP-010", Severity.MEDIUM, check, __doc__, NO_CLEAR_COOKIES)
