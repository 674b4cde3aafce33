"""RC4 is offered with TLS 1.1 or newer.

With TLS 1.0 some took RC4 to get round BEAST. From TLS 1.1 on there is no such reason, and the
client that could do better is given RC4.

Fix:
  port443  Nothing to do: only forward-secret AEAD suites are ever offered.
  nginx    ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  Caddy    Remove the `ciphers` line; the default has none of these.
  HAProxy  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  Apache   SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20

References: RFC 7465
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version

NEWER = (Version.TLS_1_1, Version.TLS_1_2)


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_rc4, NEWER)


RULE = Rule("P443-TLS-012", Severity.HIGH, check, __doc__)
