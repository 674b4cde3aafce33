"""Weak groups are offered.

A curve of 160 or 192 bits costs an attacker far less than the cipher that it keys. No client needs
one.

Fix:
  port443  Nothing to do: no such group is offered.
  nginx    ssl_ecdh_curve X25519:prime256v1:secp384r1;
  Caddy    tls { curves x25519 secp256r1 secp384r1 }
  HAProxy  ssl-default-bind-curves X25519:P-256:P-384
  Apache   SSLOpenSSLConfCmd Groups X25519:P-256:P-384

References: RFC 8422 §5.1.1, NIST SP 800-57 part 1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.groups import STRENGTH, group_name
from port443.core.wire.versions import Version

ENOUGH_BITS = 100


def check(facts: ScanFacts) -> Outcome:
    server = facts.server
    weak = [code for code in server.groups if STRENGTH.get(code, ENOUGH_BITS) < ENOUGH_BITS]
    if weak:
        return Found(", ".join(group_name(code) for code in weak))
    speaks_13 = not server.version(Version.TLS_1_3).offered.is_no
    has_curves = any(
        suite.key_exchange == "ECDHE" and Version.SSL_3 < version < Version.TLS_1_3
        for version, suite in facts.suites
    )
    for groups, spoken in ((server.groups_13, speaks_13), (server.groups_12, has_curves)):
        if spoken and groups.complete.is_unknown:
            return Unsure(groups.complete.reason)
    return None


RULE = Rule("P443-TLS-025", Severity.MEDIUM, check, __doc__)
