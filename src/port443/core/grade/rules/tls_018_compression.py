"""TLS compression is offered.

The length of compressed and then encrypted data reveals what it repeats: cookies, letter by
letter (CRIME).

References: RFC 9325 §3.3, CVE-2012-4929
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NO_COMPRESSION
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.compression, "the server chose DEFLATE")


RULE = Rule("P443-TLS-018", Severity.HIGH, check, __doc__, NO_COMPRESSION)
