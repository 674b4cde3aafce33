"""The HSTS field is not valid, and browsers ignore it.

A field without max-age, with the same directive twice, with a value of includeSubDomains or with a quote
that is never closed breaks its grammar. It is ignored whole, as if it were absent.

References: RFC 6797 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HSTS
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName

SHOWN = 80


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if isinstance(facts.name, IPName) or web.hsts_fault is None:
        return None
    return Found(f"{web.hsts_fault}   Strict-Transport-Security: {(web.hsts_text or '')[:SHOWN]}")


RULE = Rule("P443-HTTP-003", Severity.MEDIUM, check, __doc__, HSTS)
