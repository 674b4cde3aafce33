"""Ciphers with 64-bit blocks are offered.

After some tens of gigabytes under one key, 3DES and IDEA repeat a block, and the repetition reveals
plaintext (SWEET32).

References: CVE-2016-2183, RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Outcome, Rule, Severity, by_suites
from port443.core.wire.versions import Version

NEWER = (Version.TLS_1_1, Version.TLS_1_2)


def check(facts: ScanFacts) -> Outcome:
    return by_suites(facts, lambda suite: suite.has_64_bit_blocks and suite.bits >= 112, NEWER)


RULE = Rule("P443-TLS-013", Severity.MEDIUM, check, __doc__, MODERN_SUITES)
