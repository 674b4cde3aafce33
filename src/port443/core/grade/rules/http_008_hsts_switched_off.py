"""HSTS is switched off.

With max-age=0 a browser deletes the entry of the site. That is right for a transition back to plain HTTP,
and wrong permanently: the next visit by http:// is in plaintext.

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
    return Found("max-age=0, with which browsers delete the entry of the site")


RULE = Rule("P443-HTTP-008", Severity.MEDIUM, check, __doc__, HSTS)
