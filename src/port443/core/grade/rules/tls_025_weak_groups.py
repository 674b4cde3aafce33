"""Weak groups are offered.

A curve of 160 or 192 bits costs an attacker far less than the cipher that it keys. No client needs
one.

References: RFC 8422 §5.1.1, NIST SP 800-57 part 1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import STRONG_GROUPS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about
from port443.core.probe.facts import NOT_LOOKED, Choice
from port443.core.wire.groups import STRENGTH, group_name
from port443.core.wire.versions import Version

ENOUGH_BITS = 100


def check(facts: ScanFacts) -> Outcome:
    server = facts.server
    weak = [code for code in server.groups if STRENGTH.get(code, ENOUGH_BITS) < ENOUGH_BITS]
    if weak:
        return Found(", ".join(group_name(code) for code in weak))
    unread = next((one for facts in server.versions for one in facts.choices if _is_unread(one)), None)
    if unread is not None:
        return Unsure(f"the group of {unread.suite.name} could not be read")
    if not server.version(Version.TLS_1_3).offered.is_no and server.groups_13.complete.is_unknown:
        return Unsure(server.groups_13.complete.reason)
    older = server.groups_12
    if older.complete.is_unknown and older.complete != NOT_LOOKED:
        return Unsure(older.complete.reason)
    # Without a group found, a list of suites that is not whole may hide ECDHE.
    return None if older.groups else doubt_about(facts, set(Version) - {Version.TLS_1_3, Version.SSL_2})


def _is_unread(choice: Choice) -> bool:
    """Whether it is of ECDHE, and its group is not known."""
    return choice.is_ecdhe and choice.group is None


RULE = Rule("P443-TLS-025", Severity.MEDIUM, check, __doc__, STRONG_GROUPS)
