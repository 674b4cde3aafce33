"""The chain ends at a root that is not trusted.

The chain is whole, but nobody has told this client to believe its root. For a private CA that is
right outside its realm: scan with --cacert ROOT.

Fix:
  port443  port443 trust path  prints the local CA's root, for the clients that shall believe it.
  nginx    certbot --nginx -d NAME
  Caddy    Remove the `tls` line of the site; it orders a certificate by itself.
  HAProxy  Order one with an ACME client and name it in `crt`.
  Apache   certbot --apache -d NAME

References: RFC 5280 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, Unsure, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    found = by_faults(facts, ChainFault.UNTRUSTED_ROOT)
    if found is None and by_faults(facts, ChainFault.INCOMPLETE) is not None:
        return Unsure("the chain ends before its root")
    return found


RULE = Rule("P443-CERT-004", Severity.HIGH, check, __doc__)
