"""Diffie-Hellman with less than 2048 bits is used.

1024-bit groups are within reach of states, and one effort opens all servers that share the group
(Logjam).

References: RFC 9325 §4.1, §4.2.1, CVE-2015-4000
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import STRONG_PRIMES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about
from port443.core.probe.facts import Choice
from port443.core.wire.versions import Version

ENOUGH_BITS = 2048


def check(facts: ScanFacts) -> Outcome:
    choices = [choice for one in facts.server.versions for choice in one.choices]
    sizes = [choice.prime_bits for choice in choices if choice.prime_bits]
    if sizes and min(sizes) < ENOUGH_BITS:
        return Found(f"a group of {min(sizes)} bits")
    unread = next((one for one in choices if _is_unread(one)), None)
    if unread is not None:
        return Unsure(f"the group of {unread.suite.name} could not be read")
    return doubt_about(facts, set(Version))


def _is_unread(choice: Choice) -> bool:
    """Whether it is of Diffie-Hellman, and its group is not known."""
    return choice.suite.key_exchange == "DHE" and choice.prime_bits is None and choice.group is None


RULE = Rule("P443-TLS-020", Severity.HIGH, check, __doc__, STRONG_PRIMES)
