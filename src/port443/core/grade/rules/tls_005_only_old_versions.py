"""Neither TLS 1.2 nor TLS 1.3 is offered.

Today's browsers and libraries speak nothing older, so that most people cannot reach the site at
all, and those who can are not safe.

Fix:
  port443  Nothing to do: it speaks TLS 1.2 and 1.3 only.
  nginx    ssl_protocols TLSv1.2 TLSv1.3;
  Caddy    tls { protocols tls1.2 tls1.3 }, which is the default.
  HAProxy  ssl-default-bind-options ssl-min-ver TLSv1.2
  Apache   SSLProtocol -all +TLSv1.2 +TLSv1.3

References: RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    newest = [facts.server.version(version).offered for version in (Version.TLS_1_2, Version.TLS_1_3)]
    if any(offered.is_yes for offered in newest):
        return None
    for offered in newest:
        if offered.is_unknown:
            return Unsure(offered.reason)
    return Found("both were refused: " + ", ".join(dict.fromkeys(offered.reason for offered in newest)))


RULE = Rule("P443-TLS-005", Severity.HIGH, check, __doc__)
