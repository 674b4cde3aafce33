"""Other sites may put the page into a frame.

A page that looks like another one lies over it and takes the clicks that were meant for it (clickjacking).

References: CSP Level 3 §6.4.2, RFC 7034
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import FRAMES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    if facts.web.content_policy.limits_frames:
        return None
    said = next(iter(facts.web.values("x-frame-options")), "").strip().lower()
    if said in {"deny", "sameorigin"}:
        return None
    return Found(f"X-Frame-Options: {said[:40]}" if said else "neither X-Frame-Options nor frame-ancestors")


RULE = Rule("P443-HTTP-014", Severity.LOW, check, __doc__, FRAMES)
