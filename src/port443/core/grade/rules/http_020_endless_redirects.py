"""Redirects lead in a circle, or do not end.

A browser gives up after twenty and shows an error in the place of the page.

References: RFC 9110 §15.4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import STAY_ON_HTTPS
from port443.core.grade.rule import Found, Outcome, Rule, Severity

TOO_MANY = 10


def check(facts: ScanFacts) -> Outcome:
    hops = facts.web.hops
    if facts.web.loop is not None:
        return Found(" to ".join(hop.url[:60] for hop in hops))
    return (
        Found(f"{len(hops)} redirects from {hops[0].url}, and no page yet") if len(hops) >= TOO_MANY else None
    )


RULE = Rule("P443-HTTP-020", Severity.MEDIUM, check, __doc__, STAY_ON_HTTPS)
