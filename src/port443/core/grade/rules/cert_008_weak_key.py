"""The certificate's key is too short.

RSA below 2048 bits and curves below 224 bits have been within reach of factoring for years; CAs may
not certify them.

Fix:
  port443  Nothing to do for its own certificates: they have P-256 keys. A brought one needs a new
           key.
  nginx    openssl ecparam -name prime256v1 -genkey  makes a key; order a certificate for it.
  Caddy    Remove the `tls` line of the site; it orders a certificate by itself.
  HAProxy  Order one with an ACME client and name it in `crt`.
  Apache   certbot --apache -d NAME

References: CA/B Baseline Requirements §6.1.5, RFC 9325 §4.5
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

LEAST_BITS = {"rsa": 2048, "dsa": 2048, "ec": 224}


def _weak(chain: JudgedChain) -> str | None:
    for one in chain.verdict.path:
        if 0 < one.key.bits < LEAST_BITS.get(one.key.kind, 0):
            return f"{one.key} in {one.subject or one.fingerprint}"
    return None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _weak)


RULE = Rule("P443-CERT-008", Severity.HIGH, check, __doc__)
