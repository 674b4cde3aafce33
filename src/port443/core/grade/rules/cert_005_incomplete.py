"""The chain is incomplete.

The server does not send the certificate that signed its own. Browsers may find it elsewhere; curl,
Java, phones and other servers do not.

Fix:
  port443  certificate: {chain: fullchain.pem, key: key.pem}  with the leaf first, then its
           issuers.
  nginx    ssl_certificate fullchain.pem;  (leaf first, then intermediates, no root)
  Caddy    tls fullchain.pem key.pem
  HAProxy  crt site.pem  made by: cat leaf.pem intermediates.pem key.pem > site.pem
  Apache   SSLCertificateFile fullchain.pem

References: RFC 8446 §4.4.2, RFC 5246 §7.4.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    if facts.roots_are_public:
        return by_faults(facts, ChainFault.INCOMPLETE)
    # Who names the roots with --cacert says that the chain leads to one of them.
    return by_faults(facts, ChainFault.INCOMPLETE, ChainFault.UNKNOWN_ISSUER)


RULE = Rule("P443-CERT-005", Severity.HIGH, check, __doc__)
