"""HSTS does not cover the subdomains.

A cookie for the domain is also sent to its subdomains, which an attacker can invent. Check that all
of them serve https before you include them: this cannot be undone quickly.

References: RFC 6797 §14.4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HSTS_SUBDOMAINS
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName


def check(facts: ScanFacts) -> Outcome:
    policy = facts.web.policy
    if isinstance(facts.name, IPName) or policy is None or policy.max_age_s == 0 or policy.include_subdomains:
        return None
    return Found(facts.web.hsts_text or "")


RULE = Rule("P443-HTTP-005", Severity.INFO, check, __doc__, HSTS_SUBDOMAINS)
