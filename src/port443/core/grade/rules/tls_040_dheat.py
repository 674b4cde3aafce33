"""Clients can make the server compute for nothing (D(HE)at).

With finite-field Diffie-Hellman a client sends a number that costs it nothing, and the server answers with a
computation that takes it up to a hundredth of a second; larger groups make it worse.

References: CVE-2002-20001, CVE-2022-40735
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NO_FINITE_FIELDS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, by_suites, listed
from port443.core.wire.finite_field import SIZES
from port443.core.wire.groups import group_name


def check(facts: ScanFacts) -> Outcome:
    groups = [group_name(code) for code in facts.server.groups_13.groups if code in SIZES]
    if groups:
        return Found(f"TLS 1.3: {listed(groups)}")
    return by_suites(facts, lambda suite: suite.key_exchange == "DHE")


RULE = Rule("P443-TLS-040", Severity.LOW, check, __doc__, NO_FINITE_FIELDS)
