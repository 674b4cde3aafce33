"""The HSTS field cannot be read.

Browsers ignore a field without max-age, or with the same directive twice, so that nothing is
protected.

Fix:
  port443  hsts: {max_age: 1y, include_subdomains: true}  in the site's settings.
  nginx    add_header Strict-Transport-Security "max-age=31536000" always;
  Caddy    header Strict-Transport-Security "max-age=31536000"
  HAProxy  http-response set-header Strict-Transport-Security "max-age=31536000"
  Apache   Header always set Strict-Transport-Security "max-age=31536000"

References: RFC 6797 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName

SHOWN = 80


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if isinstance(facts.name, IPName) or not web.hsts.is_yes or web.policy is not None:
        return None
    return Found(f"Strict-Transport-Security: {(web.hsts_text or '')[:SHOWN]}")


RULE = Rule("P443-HTTP-003", Severity.MEDIUM, check, __doc__)
