"""The certificate violates its own format.

Parts of it cannot be read, or hold what the standard forbids. Strict clients may refuse it.

References: RFC 5280 §4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains


def check(facts: ScanFacts) -> Outcome:
    return by_chains(facts, lambda chain: "; ".join(chain.leaf.flaws) or None)


RULE = Rule("P443-CERT-016", Severity.INFO, check, __doc__, NEW_CERTIFICATE)
