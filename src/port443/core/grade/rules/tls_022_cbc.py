"""CBC suites are offered with TLS 1.2.

Nothing is broken, but it hangs on code that must take the same time whatever it decrypts (Lucky13).
Clients of TLS 1.2 that know no AEAD suite are rare.

Fix:
  port443  Nothing to do: only forward-secret AEAD suites are ever offered.
  nginx    ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
  Caddy    Remove the `ciphers` line; the default has none of these.
  HAProxy  ssl-default-bind-ciphers ECDHE+AESGCM:ECDHE+CHACHA20
  Apache   SSLCipherSuite ECDHE+AESGCM:ECDHE+CHACHA20

References: RFC 9325 §4.2, CVE-2013-0169
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.is_cbc, (Version.TLS_1_2,))


RULE = Rule("P443-TLS-022", Severity.INFO, check, __doc__)
