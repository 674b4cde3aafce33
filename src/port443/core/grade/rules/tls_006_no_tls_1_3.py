"""TLS 1.3 is not offered.

TLS 1.3 saves a round trip, hides the certificate, and has none of the choices that went wrong
before. Post-quantum key exchange exists only there.

Fix:
  port443  tls: intermediate  or  tls: modern  both have it.
  nginx    ssl_protocols TLSv1.2 TLSv1.3;  with OpenSSL 1.1.1 or newer.
  Caddy    tls { protocols tls1.2 tls1.3 }, which is the default.
  HAProxy  ssl-default-bind-options ssl-min-ver TLSv1.2  and no ssl-max-ver.
  Apache   SSLProtocol -all +TLSv1.2 +TLSv1.3

References: RFC 8446, RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    offered = facts.server.version(Version.TLS_1_3).offered
    if offered.is_unknown:
        return Unsure(offered.reason)
    return None if offered.is_yes else Found(offered.reason)


RULE = Rule("P443-TLS-006", Severity.LOW, check, __doc__)
