"""A certificate on the path does not allow it.

A signature does not verify, an issuer is no CA, a limit of names, policies, uses or length is violated, a
key has explicit curve parameters, or an extension is a duplicate, broken, or critical and unknown. Clients
refuse such a path.

References: RFC 5280 §6.1
"""

from port443.core.grade.facts import ScanFacts
from port443.core.grade.remedies import NEW_CERTIFICATE
from port443.core.grade.rule import Outcome, Rule, Severity, by_faults
from port443.core.x509.chain import ChainFault


def check(facts: ScanFacts) -> Outcome:
    return by_faults(
        facts,
        ChainFault.SIGNATURE_BROKEN,
        ChainFault.ISSUER_NOT_CA,
        ChainFault.PATH_TOO_LONG,
        ChainFault.NAME_NOT_PERMITTED,
        ChainFault.USAGE_WRONG,
        ChainFault.UNKNOWN_CRITICAL,
        ChainFault.EXTENSION_INVALID,
        ChainFault.EXTENSION_DOUBTFUL,
        ChainFault.POLICY_MISSING,
        ChainFault.KEY_INVALID,
    )


RULE = Rule("P443-CERT-015", Severity.HIGH, check, __doc__, NEW_CERTIFICATE)
