"""The site has no HSTS.

Without Strict-Transport-Security a browser that is given http:// sends its first request in plaintext,
where it can be read, answered and redirected by an attacker in the network.

References: RFC 6797 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HSTS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.names import IPName


def check(facts: ScanFacts) -> Outcome:
    if isinstance(facts.name, IPName):
        return None  # browsers keep no such note for an address (RFC 6797 §8.1.1)
    hsts = facts.web.hsts
    if hsts.is_unknown:
        return Unsure(hsts.reason)
    return None if hsts.is_yes else Found(hsts.reason)


RULE = Rule("P443-HTTP-001", Severity.MEDIUM, check, __doc__, HSTS)
