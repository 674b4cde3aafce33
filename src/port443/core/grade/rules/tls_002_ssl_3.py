"""SSL 3.0 is offered.

SSL 3.0 has no defence against a changed padding, so that a man in the middle reads cookies byte by
byte. Nothing newer than Windows XP needs it.

Fix:
  port443  Nothing to do: it speaks TLS 1.2 and 1.3 only.
  nginx    ssl_protocols TLSv1.2 TLSv1.3;
  Caddy    tls { protocols tls1.2 tls1.3 }, which is the default.
  HAProxy  ssl-default-bind-options ssl-min-ver TLSv1.2
  Apache   SSLProtocol -all +TLSv1.2 +TLSv1.3

References: RFC 7568, CVE-2014-3566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.SSL_3).offered, "the server chose SSL 3.0")


RULE = Rule("P443-TLS-002", Severity.HIGH, check, __doc__)
