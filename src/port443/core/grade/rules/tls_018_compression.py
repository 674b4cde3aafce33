"""TLS compression is offered.

What is compressed before it is encrypted tells by its length what it repeats: cookies, letter by
letter (CRIME).

Fix:
  port443  Nothing to do: it never compresses TLS.
  nginx    Build against OpenSSL 1.1.0 or newer, where it is off.
  Caddy    Nothing to do: it never compresses TLS.
  HAProxy  Build against OpenSSL 1.1.0 or newer, where it is off.
  Apache   SSLCompression off

References: RFC 9325 §3.3, CVE-2012-4929
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.compression, "the server chose DEFLATE")


RULE = Rule("P443-TLS-018", Severity.HIGH, check, __doc__)
