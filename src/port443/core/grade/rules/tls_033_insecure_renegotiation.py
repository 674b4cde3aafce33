"""Insecure renegotiation works.

A man in the middle opens a connection, sends the start of a request, and lets the client's handshake
follow as a renegotiation: for the server both are one client.

References: RFC 5746, CVE-2009-3555
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SECURE_RENEGOTIATION
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure
from port443.core.grade.rules.tls_019_insecure_renegotiation import check as check_extension


def check(facts: ScanFacts) -> Outcome:
    works = facts.server.insecure_renegotiation
    if works.is_yes:
        return Found(works.reason or "the server accepted a second handshake that was bound to nothing")
    match check_extension(facts):
        case Found() if works.is_unknown:
            return Unsure(f"the server does not secure renegotiation; whether it takes any: {works.reason}")
        case Unsure(reason):
            return Unsure(reason)
        case _:
            return None


RULE = Rule("P443-TLS-033", Severity.CRITICAL, check, __doc__, SECURE_RENEGOTIATION)
