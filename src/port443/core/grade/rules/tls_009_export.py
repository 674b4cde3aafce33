"""Export suites are offered.

Export suites were made weak by law: 40-bit ciphers and 512-bit keys, broken in hours. FREAK and
Logjam press good clients into them.

Fix:
  port443  Nothing to do: only forward-secret AEAD suites are ever offered.
  nginx    ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  Caddy    Remove the `ciphers` line; the default has none of these.
  HAProxy  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  Apache   SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20

References: RFC 9325 §4.1, CVE-2015-0204, CVE-2015-4000
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_export)


RULE = Rule("P443-TLS-009", Severity.CRITICAL, check, __doc__)
