"""What an OCSP response says of a certificate, and whether it may be believed (RFC 6960 §3.2, §4.2)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from port443.core import der
from port443.core.x509.facts import CertFacts, CertificateUnreadable
from port443.core.x509.signatures import Signature, made_by

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.ocsp import OCSPResponse

SKEW = timedelta(minutes=5)
LONG = timedelta(days=10)
"""What a response without an end is good for: the most that the CA/B Forum allows (BR §4.9.10)."""


class Revocation(StrEnum):
    """What is known of a certificate."""

    GOOD = "good"
    REVOKED = "revoked"
    INVALID = "invalid"
    """The response cannot be believed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response comes to."""

    state: Revocation
    reason: str
    next_update: datetime | None = None


def judge_response(octets: bytes, leaf: CertFacts, issuer: CertFacts | None, now: datetime) -> Answer:
    """Say what a response says of `leaf`, whose issuer is known or not."""
    from cryptography.x509 import ocsp  # noqa: PLC0415 - most chains come without a response

    try:
        response = ocsp.load_der_ocsp_response(octets)
    except ValueError as error:
        return Answer(Revocation.INVALID, f"it cannot be read: {error}")
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        return Answer(Revocation.INVALID, f"the responder says {response.response_status.name.lower()}")
    try:
        return _judged(response, leaf, issuer, now)
    except (ValueError, CertificateUnreadable) as error:
        return Answer(Revocation.INVALID, f"it cannot be read: {error}")


def write_request(leaf: CertFacts, issuer: CertFacts) -> bytes:
    """Write the request for a certificate (RFC 6960 §4.1); SHA-1 only names the issuer in it."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
    from cryptography.x509 import ocsp  # noqa: PLC0415 - as above

    names = hashlib.sha1(issuer.subject_der, usedforsecurity=False).digest()
    info = der.only(issuer.spki_der, der.SEQUENCE).children()
    key = hashlib.sha1(info[1].content[1:], usedforsecurity=False).digest()
    builder = ocsp.OCSPRequestBuilder()
    builder = builder.add_certificate_by_hash(names, key, leaf.serial, hashes.SHA1())  # noqa: S303 - names only
    return builder.build().public_bytes(_encoding())


def _judged(response: "OCSPResponse", leaf: CertFacts, issuer: CertFacts | None, now: datetime) -> Answer:
    from cryptography.x509.ocsp import OCSPCertStatus  # noqa: PLC0415 - as above

    if response.serial_number != leaf.serial:
        return Answer(Revocation.INVALID, f"it is of another certificate, {response.serial_number:x}")
    if issuer is not None and (wrong := _unsigned(response, issuer, now)):
        return Answer(Revocation.INVALID, wrong)
    begins = response.this_update_utc
    ends = response.next_update_utc or begins + LONG
    if begins > now + SKEW:
        return Answer(Revocation.INVALID, f"it is good from {begins:%Y-%m-%d %H:%M} UTC on")
    if response.certificate_status is OCSPCertStatus.REVOKED:
        when = response.revocation_time_utc
        return Answer(Revocation.REVOKED, f"since {when or begins:%Y-%m-%d %H:%M} UTC", ends)
    if ends < now:
        return Answer(Revocation.INVALID, f"it ended {ends:%Y-%m-%d %H:%M} UTC", ends)
    if response.certificate_status is OCSPCertStatus.UNKNOWN:
        return Answer(Revocation.INVALID, "the responder does not know the certificate", ends)
    return Answer(Revocation.GOOD, f"until {ends:%Y-%m-%d %H:%M} UTC", ends)


def _unsigned(response: "OCSPResponse", issuer: CertFacts, now: datetime) -> str:
    """Say why nobody who may has signed it; nothing when somebody has."""
    signed = Signature(_algorithm(response), response.tbs_response_bytes, response.signature)
    if made_by(signed, issuer.spki_der) is not False:
        return ""
    for one in response.certificates:
        facts = CertFacts.from_der(_der(one))
        may = facts.extended_key_usages is not None and "ocsp_signing" in facts.extended_key_usages
        if made_by(signed, facts.spki_der) is not False:
            if facts.was_signed_by(issuer) is False:
                return "its signer was not appointed by the CA"
            if not may:
                return "its signer may not sign such responses"
            return "" if facts.is_valid_at(now) else "the certificate of its signer is not valid now"
    return "neither the CA nor anybody that it has appointed signed it"


def _der(certificate: "x509.Certificate") -> bytes:
    return certificate.public_bytes(_encoding())


def _encoding() -> "Encoding":
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

    return Encoding.DER


def _algorithm(response: "OCSPResponse") -> bytes:
    """Return the AlgorithmIdentifier of the signature, from the response's own bytes."""
    basic = der.only(_basic(response), der.SEQUENCE).children()
    return basic[1].whole


def _basic(response: "OCSPResponse") -> bytes:
    outer = der.only(response.public_bytes(_encoding()), der.SEQUENCE).children()
    (inner,) = outer[1].children()
    return inner.children()[1].content
