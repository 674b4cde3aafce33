"""SSL 2.0 is offered.

SSL 2.0 does not authenticate its handshake and encrypts with 40-bit keys at times. One server that
supports it also exposes the sessions of others with the same RSA key (DROWN).

References: RFC 6176, CVE-2016-0800
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import MODERN_VERSIONS
from port443.core.grade.rule import Outcome, Rule, Severity, by_verdict
from port443.core.wire.versions import Version


def check(facts: ScanFacts) -> Outcome:
    return by_verdict(facts.server.version(Version.SSL_2).offered, "the server answered a hello of SSL 2.0")


RULE = Rule("P443-TLS-001", Severity.CRITICAL, check, __doc__, MODERN_VERSIONS)
