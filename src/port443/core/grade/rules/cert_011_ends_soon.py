"""The certificate is close to its end.

Less than a sixth of its lifetime is left, so that its renewal, due at a third, must have failed
again and again. Days are no measure: a certificate may live for six days or for two hundred.

Fix:
  port443  port443 status  says when it is renewed and by whom: with  issuer: local  by itself; a
           brought one is taken up as soon as its files change.
  nginx    certbot renew && nginx -s reload
  Caddy    caddy reload  after the cause in its log is gone; it renews by itself.
  HAProxy  Put the new file in place and run: set ssl cert, commit ssl cert  on the admin socket.
  Apache   certbot renew && apachectl graceful

References: RFC 9773
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

SHARE = 6


def _ending(facts: ScanFacts, chain: JudgedChain) -> str | None:
    leaf = chain.leaf
    left = leaf.not_after - facts.now
    if not leaf.is_valid_at(facts.now) or left * SHARE >= leaf.lifetime:
        return None
    return f"ends {leaf.not_after:%Y-%m-%d %H:%M} UTC, {left.days} of {leaf.lifetime.days} days are left"


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, lambda chain: _ending(facts, chain))


RULE = Rule("P443-CERT-011", Severity.MEDIUM, check, __doc__)
