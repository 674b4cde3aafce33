"""Several HSTS fields contradict each other.

A server must send one Strict-Transport-Security field. Browsers apply the first and ignore the
others, so that another policy does not hold.

References: RFC 6797 §7.1, RFC 6797 §8.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import ONE_HSTS
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName

LISTED = 3
SHOWN = 60


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if isinstance(facts.name, IPName) or not web.hsts_others:
        return None
    others = "; ".join(f"{text[:SHOWN]!r}" for text in web.hsts_others[:LISTED])
    return Found(f"{(web.hsts_text or '')[:SHOWN]!r} counts, and not {others}")


RULE = Rule("P443-HTTP-007", Severity.LOW, check, __doc__, ONE_HSTS)
