"""Tickets are good for more than a week.

As long as a ticket is good, whoever steals its key can open what was said over the session that it resumes.
TLS 1.3 forbids more than seven days.

References: RFC 8446 §4.6.1, RFC 9325 §3.4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import TICKET_LIFETIME
from port443.core.grade.rule import Found, Outcome, Rule, Severity

WEEK_S = 7 * 86400


def check(facts: ScanFacts) -> Outcome:
    for name in ("psk_lifetime", "ticket_lifetime"):
        trait = facts.trait(name)
        told = "" if trait is None else trait.verdict.reason.removesuffix(" s")
        if told.isdigit() and int(told) > WEEK_S:
            return Found(f"{trait.title if trait else name}: {int(told) / 86400:.1f} days")
    return None


RULE = Rule("P443-TLS-038", Severity.LOW, check, __doc__, TICKET_LIFETIME)
