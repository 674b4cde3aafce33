"""The certificate breaks its own format.

Parts of it cannot be read, or hold what the standard forbids. Strict clients may refuse it.

Fix:
  port443  issuer: local  makes one, for clients that believe the local CA. For all others bring
           one: certificate: {chain: FILE, key: FILE}
  nginx    certbot --nginx -d NAME
  Caddy    Remove the `tls` line of the site; it orders a certificate by itself.
  HAProxy  Order one with an ACME client and name it in `crt`.
  Apache   certbot --apache -d NAME

References: RFC 5280 §4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, lambda chain: "; ".join(chain.leaf.flaws) or None)


RULE = Rule("P443-CERT-016", Severity.INFO, check, __doc__)
