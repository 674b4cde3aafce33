"""A cipher with 64-bit blocks is preferred.

The server chooses 3DES or the like although the client offers better ones, or has nothing else. After
some tens of gigabytes a block is repeated, which reveals plaintext (SWEET32).

References: CVE-2016-2183, RFC 9325 §4.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_SUITES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version

NEWER = (Version.TLS_1_2, Version.TLS_1_1)


def check(facts: ScanFacts) -> Outcome:
    for version in NEWER:
        one = facts.server.version(version)
        if one.offered.is_unknown:
            return Unsure(f"not all is known of {version.label}: {one.offered.reason}")
        if one.preferred is not None and one.preferred.has_64_bit_blocks:
            return Found(f"{version.label}: from all suites the server chose {one.preferred.name}")
    return None


RULE = Rule("P443-TLS-034", Severity.MEDIUM, check, __doc__, MODERN_SUITES)
