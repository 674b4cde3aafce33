"""The https page leads back to plain HTTP.

A request by https is redirected to http, where it can be read and changed in transit. If that port redirects
to https again, the two redirects are a loop, and no browser shows the site.

References: RFC 6797 §7.2, RFC 9110 §15.4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import STAY_ON_HTTPS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure

SHOWN = 80


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if web.hsts.is_unknown:
        return Unsure(web.hsts.reason)
    if web.downgrade is None:
        return None
    loop = f", and port {web.http_port} leads back: an endless loop" if web.is_loop else ""
    return Found(f"https redirects to {web.downgrade[:SHOWN]}{loop}")


RULE = Rule("P443-HTTP-006", Severity.MEDIUM, check, __doc__, STAY_ON_HTTPS)
