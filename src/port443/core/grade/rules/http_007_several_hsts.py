"""Several HSTS fields contradict each other.

A server must send one Strict-Transport-Security field. Browsers take the first and pass over the
others, so that what another one asks for does not hold.

Fix:
  port443  hsts: {max_age: 1y, include_subdomains: true}  in the site's settings; the server behind it
           then has no say.
  nginx    One add_header Strict-Transport-Security, and proxy_hide_header of the same name.
  Caddy    header >Strict-Transport-Security "max-age=31536000"
  HAProxy  http-response set-header in the place of add-header.
  Apache   Header always set, and Header unset without always.

References: RFC 6797 §7.1, RFC 6797 §8.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity
from port443.core.names import IPName

LISTED = 3
SHOWN = 60


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if isinstance(facts.name, IPName) or not web.hsts_others:
        return None
    others = "; ".join(f"{text[:SHOWN]!r}" for text in web.hsts_others[:LISTED])
    return Found(f"{(web.hsts_text or '')[:SHOWN]!r} counts, and not {others}")


RULE = Rule("P443-HTTP-007", Severity.LOW, check, __doc__)
