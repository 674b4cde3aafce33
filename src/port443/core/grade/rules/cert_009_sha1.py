"""The chain is signed with SHA-1.

Two certificates with the same SHA-1 can be made for money. Clients have refused such signatures
since 2017.

Fix:
  port443  issuer: local  makes one, for clients that believe the local CA. For all others bring
           one: certificate: {chain: FILE, key: FILE}
  nginx    certbot --nginx -d NAME
  Caddy    Remove the `tls` line of the site; it orders a certificate by itself.
  HAProxy  Order one with an ACME client and name it in `crt`.
  Apache   certbot --apache -d NAME

References: CA/B Baseline Requirements §7.1.3.2, RFC 9155
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

BROKEN = {"sha1"}


def _signed_so(chain: JudgedChain) -> str | None:
    """Look at all but the root: nobody checks what a root says of itself."""
    for one in chain.verdict.path:
        if one.signature.hash in BROKEN and not one.is_self_signed:
            return f"{one.signature.name} on {one.subject or one.fingerprint}"
    leaf = chain.leaf
    return leaf.signature.name if leaf.signature.hash in BROKEN else None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _signed_so)


RULE = Rule("P443-CERT-009", Severity.HIGH, check, __doc__)
