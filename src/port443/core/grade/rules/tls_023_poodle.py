"""CBC suites are offered with SSL 3.0.

SSL 3.0 does not check the padding, so that each try of an attacker reads one byte in 256 (POODLE).

Fix:
  port443  Nothing to do: it speaks TLS 1.2 and 1.3 only.
  nginx    ssl_protocols TLSv1.2 TLSv1.3;
  Caddy    tls { protocols tls1.2 tls1.3 }, which is the default.
  HAProxy  ssl-default-bind-options ssl-min-ver TLSv1.2
  Apache   SSLProtocol -all +TLSv1.2 +TLSv1.3

References: RFC 7568, CVE-2014-3566
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_cbc, (Version.SSL_3,))


RULE = Rule("P443-TLS-023", Severity.HIGH, check, __doc__)
