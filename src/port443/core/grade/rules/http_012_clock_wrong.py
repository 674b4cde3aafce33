"""The server's clock is wrong.

By its own time its certificates begin and end at other times, tickets and caches expire late or immediately,
and its logs cannot be correlated with others. Or it is this machine's clock.

References: RFC 9110 §6.6.1
"""

from datetime import UTC, timedelta

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import RIGHT_CLOCK
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure

TOLERATED = timedelta(minutes=10)
"""More than a scan and caches that answer for the server account for."""


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    if facts.web.values("age"):
        return None  # a cache answers, with the time at which it was told
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow to load, and for this alone

    for text in facts.web.values("date"):
        try:
            told = parsedate_to_datetime(text)
        except ValueError:
            return Found(f"no date: {text[:40]}")
        off = (told if told.tzinfo else told.replace(tzinfo=UTC)) - facts.now
        if abs(off) > TOLERATED:
            minutes = round(abs(off) / timedelta(minutes=1))
            return Found(f"{minutes} minutes {'ahead of' if off > timedelta() else 'behind'} this machine's")
    return None


RULE = Rule("P443-HTTP-012", Severity.LOW, check, __doc__, RIGHT_CLOCK)
