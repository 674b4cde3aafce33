"""The certificate has expired.

Every client refuses it. An intermediate that ended counts as well, when no other path leads to a
root.

Fix:
  port443  port443 status  says when it is renewed and by whom: with  issuer: local  by itself; a
           brought one is taken up as soon as its files change.
  nginx    certbot renew && nginx -s reload
  Caddy    caddy reload  after the cause in its log is gone; it renews by itself.
  HAProxy  Put the new file in place and run: set ssl cert, commit ssl cert  on the admin socket.
  Apache   certbot renew && apachectl graceful

References: RFC 5280 §4.1.2.5
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(facts, ChainFault.EXPIRED)


RULE = Rule("P443-CERT-001", Severity.CRITICAL, check, __doc__)
