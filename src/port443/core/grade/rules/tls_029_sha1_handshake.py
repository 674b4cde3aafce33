"""The server signs its handshakes with SHA-1.

It chose SHA-1 from an offer that had SHA-256 first. RFC 9155 forbids that in TLS 1.2; Chrome, Go since
1.25, rustls and OpenSSL 3 take no such signature.

References: RFC 9155 §3, RFC 9155 §4
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SHA_2_HANDSHAKES
from port443.core.grade.rule import Found, Outcome, Rule, Severity, Unsure, doubt_about
from port443.core.probe.facts import Choice
from port443.core.wire.groups import SIGNATURE_SCHEMES
from port443.core.wire.versions import Version

SHA1 = 0x02
"""The hash in the first octet of a TLS 1.2 scheme (RFC 5246 §7.4.1.4.1)."""


def check(facts: ScanFacts) -> Outcome:
    choices = facts.server.version(Version.TLS_1_2).choices
    schemes = dict.fromkeys(c.scheme for c in choices if c.scheme is not None and c.scheme >> 8 == SHA1)
    if schemes:
        return Found(f"TLS 1.2: {', '.join(SIGNATURE_SCHEMES.get(one, f'0x{one:04x}') for one in schemes)}")
    unread = next((choice for choice in choices if _is_unread(choice)), None)
    if unread is not None:
        return Unsure(f"what the handshake with {unread.suite.name} is signed with could not be read")
    return doubt_about(facts, {Version.TLS_1_2})


def _is_unread(choice: Choice) -> bool:
    """Whether the server must have signed its key exchange, and the scheme is not known."""
    signs = choice.suite.key_exchange in {"ECDHE", "DHE"} and choice.suite.authentication in {"RSA", "ECDSA"}
    return signs and choice.scheme is None


RULE = Rule("P443-TLS-029", Severity.HIGH, check, __doc__, SHA_2_HANDSHAKES)
