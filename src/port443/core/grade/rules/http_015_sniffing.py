"""Browsers may guess what a file is.

A file that users have put there is taken for a script when it looks like one, whatever type the server names.

References: Fetch §3.7, MDN HTTP Observatory
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NO_SNIFFING
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    said = next(iter(facts.web.values("x-content-type-options")), None)
    if said is not None and said.strip().lower() == "nosniff":
        return None
    return Found("no X-Content-Type-Options" if said is None else f"X-Content-Type-Options: {said[:40]}")


RULE = Rule("P443-HTTP-015", Severity.LOW, check, __doc__, NO_SNIFFING)
