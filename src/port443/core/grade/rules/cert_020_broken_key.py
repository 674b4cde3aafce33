"""The certificate's RSA key is broken.

Its private half follows from the public one: the exponent does nothing, a factor is found quickly, or
a faulty chip made it. Any attacker can impersonate the server.

References: CVE-2017-15361, CVE-2022-26320, CA/B Baseline Requirements §6.1.1.3
"""

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import STRONG_KEY
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains
from port443.core.x509.weak_keys import rsa_weakness


def _broken(chain: JudgedChain) -> str | None:
    for one in dict.fromkeys((chain.leaf, *chain.verdict.path)):
        if why := rsa_weakness(one.spki_der):
            return f"the key of {one.subject or one.fingerprint}: {why}"
    return None


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, _broken)


RULE = Rule("P443-CERT-020", Severity.CRITICAL, check, __doc__, STRONG_KEY)
