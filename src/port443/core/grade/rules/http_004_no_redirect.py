"""Plain HTTP does not lead to https.

Who types the name without https:// stays in clear, and so do all links made that way. A port that is
closed, or answers with an error, is safe too, but loses those visitors.

Fix:
  port443  Nothing to do: plain HTTP redirects to the same host and path.
  nginx    return 301 https://$host$request_uri;  in the server block of plain HTTP.
  Caddy    Remove `auto_https disable_redirects`.
  HAProxy  http-request redirect scheme https code 301 unless { ssl_fc }
  Apache   Redirect permanent / https://NAME/

References: RFC 9110 §15.4, hstspreload.org
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure


def check(facts: ScanFacts) -> Outcome:
    web = facts.web
    if web.http_closed or web.redirect.is_yes:
        return None
    return Unsure(web.redirect.reason) if web.redirect.is_unknown else Found(web.redirect.reason)


RULE = Rule("P443-HTTP-004", Severity.MEDIUM, check, __doc__)
