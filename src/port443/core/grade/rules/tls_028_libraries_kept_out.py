"""Programs other than browsers cannot connect.

Scripts, agents and other servers use OpenSSL, GnuTLS, Go or rustls with their defaults. One that supports
none of the server's suites or groups, or not its kind of key, ends the handshake.

References: RFC 8446 §9.1, RFC 9325 §4.2
"""

from port443.core.grade.clients import LIBRARIES
from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import COMMON_CHOICES
from port443.core.grade.rule import Outcome, Rule, Severity
from port443.core.grade.rules.tls_027_browsers_kept_out import check_clients


def check(facts: ScanFacts) -> Outcome:
    return check_clients(facts, LIBRARIES)


RULE = Rule("P443-TLS-028", Severity.LOW, check, __doc__, COMMON_CHOICES)
