"""Nothing newer than SSL 3.0 is offered.

Browsers and libraries of the last ten years support none of it, and the traffic of what still does can be
read by a man in the middle.

References: RFC 7568, RFC 6176
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    newer = [facts.server.version(version).offered for version in Version if version > Version.SSL_3]
    if any(offered.is_yes for offered in newer):
        return None
    doubt = next((offered for offered in newer if offered.is_unknown), None)
    return Found("every version of TLS was refused") if doubt is None else Unsure(doubt.reason)


RULE = Rule("P443-TLS-026", Severity.CRITICAL, check, __doc__, MODERN_VERSIONS)
