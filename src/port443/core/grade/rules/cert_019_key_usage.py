"""The certificate's key may not sign handshakes.

Its keyUsage lacks digitalSignature, but every suite with forward secrecy and all of TLS 1.3 need a
signature of the server. Browsers and GnuTLS refuse it; OpenSSL and Go do not look.

References: RFC 5280 §4.2.1.3, RFC 8446 §4.4.2.2
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import SIGNING_CERTIFICATE
from port443.core.grade.rule import Found, Outcome, Rule, Severity, by_faults, doubt_about
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    outcome = by_faults(facts, ChainFault.KEY_MAY_NOT_SIGN)
    if facts.suites and not any(suite.is_forward_secret for _, suite in facts.suites):
        # Such a key may decrypt, which is all that RSA key exchange needs.
        return doubt_about(facts, set(Version)) if isinstance(outcome, Found) else None
    return outcome


RULE = Rule("P443-CERT-019", Severity.HIGH, check, __doc__, SIGNING_CERTIFICATE)
