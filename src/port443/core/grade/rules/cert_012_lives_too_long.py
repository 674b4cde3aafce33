"""The certificate's lifetime is longer than public CAs may issue.

Since 2026-03-15 a public certificate is valid for 200 days at most, from 2027-03-15 on for 100 and from
2029-03-15 on for 47, by its begin. Browsers refuse longer ones from public roots.

References: CA/B Forum SC-081v3
"""

from datetime import date, timedelta
from functools import partial

from port443.core.grade.facts import JudgedChain, ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_chains

LIMITS = (  # beginning on or after this day: so many days at most; the newest first
    (date(2029, 3, 15), 47),
    (date(2027, 3, 15), 100),
    (date(2026, 3, 15), 200),
    (date(2020, 9, 1), 398),
    (date(2018, 3, 1), 825),
)


def _too_long(facts: ScanFacts, chain: JudgedChain) -> str | None:
    leaf = chain.leaf
    if not chain.verdict.reaches_root:
        return None
    # By the rules of a later day: those that the next certificate is held to.
    issued = max(leaf.not_before.date(), facts.rules_as_of or leaf.not_before.date())
    allowed = next((days for since, days in LIMITS if issued >= since), None)
    # The last second counts as part of the lifetime (Baseline Requirements §1.6.1).
    lifetime = leaf.lifetime + timedelta(seconds=1)
    if allowed is None or lifetime <= timedelta(days=allowed):
        return None
    return f"{lifetime.days} days, {allowed} are allowed for one that begins {issued}"


def check(facts: ScanFacts) -> Outcome:
    if not facts.roots_are_public:
        return None  # a private CA sets its own rule
    return by_chains(facts, partial(_too_long, facts))


RULE = Rule("P443-CERT-012", Severity.LOW, check, __doc__, NEW_CERTIFICATE)
