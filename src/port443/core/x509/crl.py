"""What a revocation list says of a certificate, and whether it may be believed (RFC 5280 §5, §6.3)."""

from datetime import datetime

from port443.core.x509.facts import CertFacts
from port443.core.x509.ocsp import SKEW, Answer, Revocation

INVALID = Revocation.INVALID


def judge_list(octets: bytes, leaf: CertFacts, issuer: CertFacts, now: datetime) -> Answer:
    """Say what a list of `issuer` says of `leaf`; only whole lists that the issuer has signed count."""
    from cryptography import x509  # noqa: PLC0415 - for those who ask for revocation
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415 - as above

    try:
        found = x509.load_der_x509_crl(octets)
        key = load_der_public_key(issuer.spki_der)
        is_signed = found.is_signature_valid(key)  # type: ignore[arg-type]
        entry = found.get_revoked_certificate_by_serial_number(leaf.serial)
        begins, ends = found.last_update_utc, found.next_update_utc
    except (ValueError, TypeError) as error:
        return Answer(INVALID, f"the list cannot be read: {error}")
    if not is_signed:
        return Answer(INVALID, "the list was not signed by the CA of the certificate")
    if begins > now + SKEW or ends is None or ends < now:
        return Answer(
            INVALID, f"the list is of other days: {begins:%Y-%m-%d} to {ends or begins:%Y-%m-%d}", ends
        )
    if entry is not None:
        return Answer(Revocation.REVOKED, f"since {entry.revocation_date_utc:%Y-%m-%d %H:%M} UTC", ends)
    return Answer(Revocation.GOOD, f"until {ends:%Y-%m-%d %H:%M} UTC", ends)
