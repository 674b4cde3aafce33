"""The chain is signed with SHA-1.

Two certificates with the same SHA-1 can be made for money. Clients have refused such signatures
since 2017.

References: CA/B Baseline Requirements §7.1.3.2, RFC 9155
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_signatures

BROKEN = {"sha1"}


def check(facts: ScanFacts) -> Outcome:
    return by_signatures(facts, BROKEN)


RULE = Rule("P443-CERT-009", Severity.HIGH, check, __doc__, NEW_CERTIFICATE)
