"""HSTS is switched off.

With max-age=0 a browser forgets that the site asked for https. That is right for the way back, and
wrong for good: the next visit by http:// is in clear.

References: RFC 6797 §6.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HSTS
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName


def check(facts: ScanFacts) -> Outcome:
    policy = facts.web.policy
    if isinstance(facts.name, IPName) or policy is None or policy.max_age_s:
        return None
    return Found("max-age=0, with which browsers forget the site")


RULE = Rule("P443-HTTP-008", Severity.MEDIUM, check, __doc__, HSTS)
