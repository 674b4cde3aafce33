"""The page loads scripts that others can change.

A script from another site without an integrity hash is whatever that site sends, and over http whatever
anybody on the way puts there.

References: Subresource Integrity §3, MDN HTTP Observatory
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.page import is_clear, is_foreign
from port443.core.grade.remedies import INTEGRITY
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    page = facts.web.page
    clear = [one.source for one in page.scripts if is_clear(one.source)] if page else []
    if clear:
        return Found(f"over http: {clear[0][:80]}")
    bare = [one.source for one in page.scripts if is_foreign(one, facts.name.text)] if page else []
    return Found(f"without integrity: {bare[0][:80]}") if bare else None


RULE = Rule("P443-HTTP-017", Severity.LOW, check, __doc__, INTEGRITY)
