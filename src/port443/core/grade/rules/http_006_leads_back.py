"""The https page leads back to plain HTTP.

Who asks for https is sent to http, where all can be read and changed on the way. When that port leads
to https again, the two redirects are a loop, and no browser shows the site.

Fix:
  port443  Let the server behind the site redirect to https://, or to the path alone; it can read
           the scheme in X-Forwarded-Proto.
  nginx    return 301 https://$host$request_uri;  and  proxy_set_header X-Forwarded-Proto $scheme;
  Caddy    Remove `redir http://…`; let the server behind it trust X-Forwarded-Proto.
  HAProxy  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  Apache   RequestHeader set X-Forwarded-Proto https, and no Redirect to http://.

References: RFC 6797 §7.2, RFC 9110 §15.4
"""

from port443.core.grade.facts import ScanFacts
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


RULE = Rule("P443-HTTP-006", Severity.MEDIUM, check, __doc__)
