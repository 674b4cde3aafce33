"""Browsers cannot connect.

A browser that supports none of the server's suites, groups or signature schemes, or not its kind of key,
shows an error page. Strong or not: for its users the site is down.

References: RFC 8446 §9.1, RFC 9325 §4.2
"""

from port443.core.grade.clients import BROWSERS, MODERN, Client, kept_out
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import COMMON_CHOICES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about


def check_clients(facts: ScanFacts, clients: tuple[Client, ...]) -> Outcome:
    """Find clients that cannot connect; what was not probed completely may hold what they need."""
    evidence = kept_out(facts, clients)
    if not evidence:
        return None
    if not facts.chains:
        return Unsure(facts.no_chain)  # no handshake was completed, so that nothing is sure
    doubt = doubt_about(facts, set(MODERN))
    for groups in (facts.server.groups_13, facts.server.groups_12):
        if doubt is None and groups.groups and groups.complete.is_unknown:
            doubt = Unsure(groups.complete.reason)
    return doubt or Found(evidence)


def check(facts: ScanFacts) -> Outcome:
    return check_clients(facts, BROWSERS)


RULE = Rule("P443-TLS-027", Severity.HIGH, check, __doc__, COMMON_CHOICES)
