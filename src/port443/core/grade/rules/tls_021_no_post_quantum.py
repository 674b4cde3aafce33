"""No post-quantum key exchange is offered.

What is recorded today can be decrypted once a large quantum computer exists. A hybrid group such as
X25519MLKEM768 is no weaker than x25519 against today's computers, and browsers have used it since
2024.

References: RFC 10024
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import HYBRID_GROUPS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.groups import POST_QUANTUM_GROUPS, group_name
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    modern = facts.server.version(Version.TLS_1_3).offered
    groups = facts.server.groups_13
    if modern.is_no:
        return Found("TLS 1.3 is not offered, and no older version has such groups")
    lacks = groups.lacks(POST_QUANTUM_GROUPS)
    if lacks.is_no:
        return None
    if modern.is_unknown or lacks.is_unknown:
        return Unsure(modern.reason or lacks.reason)
    if groups.complete.is_unknown:
        return Found("none of " + ", ".join(group_name(group) for group in groups.refused))
    return Found("only " + ", ".join(group_name(group) for group in groups.groups))


RULE = Rule("P443-TLS-021", Severity.INFO, check, __doc__, HYBRID_GROUPS)
