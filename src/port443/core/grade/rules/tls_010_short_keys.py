"""Ciphers with less than 112 bits are offered.

Single DES, RC2 and the like are found by trying all keys, in a day and for little money.

Fix:
  port443  Nothing to do: only forward-secret AEAD suites are ever offered.
  nginx    ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  Caddy    Remove the `ciphers` line; the default has none of these.
  HAProxy  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  Apache   SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20

References: RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites

WEAK_BELOW = 112


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: 0 < suite.bits < WEAK_BELOW and not suite.is_export)


RULE = Rule("P443-TLS-010", Severity.CRITICAL, check, __doc__)
