"""Answers are compressed over TLS (BREACH).

Where a page repeats what a request says beside a secret, the length of the compressed answer tells the
secret bit by bit. Whether a page does so cannot be seen from outside.

References: CVE-2013-3587
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HTTP_COMPRESSION
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    said = next(iter(facts.web.values("content-encoding")), None)
    return None if said is None else Found(f"Content-Encoding: {said[:40]}")


RULE = Rule("P443-HTTP-019", Severity.INFO, check, __doc__, HTTP_COMPRESSION)
