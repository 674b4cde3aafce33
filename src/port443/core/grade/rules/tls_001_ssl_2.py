"""SSL 2.0 is offered.

SSL 2.0 does not authenticate its handshake and encrypts with 40-bit keys at times. One server that
speaks it also opens the sessions of others with the same RSA key (DROWN).

Fix:
  port443  Nothing to do: it speaks TLS 1.2 and 1.3 only.
  nginx    ssl_protocols TLSv1.2 TLSv1.3;
  Caddy    tls { protocols tls1.2 tls1.3 }, which is the default.
  HAProxy  ssl-default-bind-options ssl-min-ver TLSv1.2
  Apache   SSLProtocol -all +TLSv1.2 +TLSv1.3

References: RFC 6176, CVE-2016-0800
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.SSL_2).offered, "the server answered a hello of SSL 2.0")


RULE = Rule("P443-TLS-001", Severity.CRITICAL, check, __doc__)
