"""HSTS does not cover the subdomains.

A cookie for the domain is also sent to its subdomains, which an attacker can invent. Check that all
of them speak https before you include them: there is no quick way back.

Fix:
  port443  hsts: {max_age: 1y, include_subdomains: true}  in the site's settings.
  nginx    add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
  Caddy    header Strict-Transport-Security "max-age=31536000; includeSubDomains"
  HAProxy  http-response set-header Strict-Transport-Security "max-age=31536000;
           includeSubDomains"
  Apache   Header always set Strict-Transport-Security "max-age=31536000; includeSubDomains"

References: RFC 6797 §14.4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName


def check(facts: ScanFacts) -> Outcome:
    policy = facts.web.policy
    if isinstance(facts.name, IPName) or policy is None or policy.max_age_s == 0 or policy.include_subdomains:
        return None
    return Found(facts.web.hsts_text or "")


RULE = Rule("P443-HTTP-005", Severity.INFO, check, __doc__)
