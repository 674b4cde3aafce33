"""No Content-Security-Policy keeps scripts out.

A script that somebody puts into the page runs as if it were the site's own. A policy that names where
scripts come from stops it.

References: CSP Level 3, MDN HTTP Observatory
"""

from port443.core.grade.csp import Strength
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import CONTENT_POLICY
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    if facts.web.hsts.is_unknown:
        return Unsure(facts.web.hsts.reason)
    strength = facts.web.content_policy.strength
    return Found(strength.words) if strength.points <= Strength.INLINE_SCRIPTS.points else None


RULE = Rule("P443-HTTP-013", Severity.INFO, check, __doc__, CONTENT_POLICY)
