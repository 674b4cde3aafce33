"""Suites without a certificate are offered.

With an anonymous key exchange nobody proves who the server is, so that a man in the middle needs no
certificate.

Fix:
  port443  Nothing to do: only forward-secret AEAD suites are ever offered.
  nginx    ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  Caddy    Remove the `ciphers` line; the default has none of these.
  HAProxy  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  Apache   SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20

References: RFC 9325 §4.1, RFC 5246 §A.5
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_anonymous)


RULE = Rule("P443-TLS-008", Severity.CRITICAL, check, __doc__)
