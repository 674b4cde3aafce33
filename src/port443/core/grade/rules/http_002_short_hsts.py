"""The max-age of HSTS is too short.

A browser that does not return within max-age deletes the entry. Below half a year that is many users.

References: RFC 6797 §6.1.1, hstspreload.org
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HSTS
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName

HALF_A_YEAR_S = 180 * 86400


def check(facts: ScanFacts) -> Outcome:
    policy = facts.web.policy
    if isinstance(facts.name, IPName) or policy is None or not 0 < policy.max_age_s < HALF_A_YEAR_S:
        return None
    return Found(f"max-age={policy.max_age_s}, which is {_span(policy.max_age_s)}")


def _span(seconds: int) -> str:
    """Write a time in the largest unit of which it has two or more."""
    units = (("days", 86400), ("hours", 3600), ("minutes", 60))
    name, size = next((unit for unit in units if seconds >= 2 * unit[1]), ("seconds", 1))
    return f"{seconds // size} {name}" if seconds > 1 else "1 second"


RULE = Rule("P443-HTTP-002", Severity.LOW, check, __doc__, HSTS)
