"""TLS 1.0 is offered.

TLS 1.0 depends on MD5 and SHA-1, has no AEAD cipher and exposes CBC to attacks. It has been forbidden
for new services since 2021; browsers removed it in 2020.

References: RFC 8996, RFC 9325 §3.1.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.TLS_1_0).offered, "the server chose TLS 1.0")


RULE = Rule("P443-TLS-003", Severity.MEDIUM, check, __doc__, MODERN_VERSIONS)
