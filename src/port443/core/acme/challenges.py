"""Challenges and their answers: tls-alpn-01 (RFC 8737), http-01 (RFC 8555 §8.3), for hosts and addresses."""

import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from port443.core.names import HostName, IPName, SiteName
from port443.core.x509.keys import pkcs8

ACME_ALPN = "acme-tls/1"
ACME_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
OCTET_STRING_OF_32 = b"\x04\x20"
SERIAL_OCTETS = 16
ANSWER_LIFETIME = timedelta(days=7)
BACKDATED = timedelta(days=1)
"""A validator does not look at the dates (RFC 8737 §3); a clock that is off must not make it look odd."""


class ChallengeType(StrEnum):
    """What we answer, in the order in which it is tried."""

    TLS_ALPN = "tls-alpn-01"
    HTTP = "http-01"


@dataclass(frozen=True, slots=True)
class TlsAlpnAnswer:
    """What a hello with the one protocol `acme-tls/1` and this name is answered with."""

    server_name: str
    """The host name, or the reverse name of an address (RFC 8738 §6)."""
    chain: tuple[bytes, ...]
    """DER: one self-signed certificate."""
    key_pkcs8: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What `GET /.well-known/acme-challenge/<token>` on port 80 is answered with."""

    token: str
    key_authorisation: str
    """The whole body."""


PendingAnswer = TlsAlpnAnswer | HttpAnswer


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of an authorisation, of a kind that we answer."""

    type: ChallengeType
    url: str
    token: str
    is_open: bool = True
    """Whether the CA has not been told to validate it."""


def key_authorisation(token: str, thumbprint: str) -> str:
    """Return what proves that the owner of an account key knows of `token` (RFC 8555 §8.1)."""
    return f"{token}.{thumbprint}"


def choose(offered: Iterable[Challenge], can_answer: Sequence[ChallengeType]) -> tuple[Challenge, str] | None:
    """Return the challenge to answer, the first of `can_answer` that is offered, and why it is that one."""
    listed = list(offered)
    begun = [one for one in listed if not one.is_open and one.type in can_answer]
    if begun:
        return begun[0], "an earlier attempt began with it"
    by_type = {one.type: one for one in listed}
    for passed, wanted in enumerate(can_answer):
        if challenge := by_type.get(wanted):
            return challenge, _reason(wanted, can_answer[:passed], can_answer)
    return None


def tls_alpn_server_name(name: SiteName) -> str:
    """Return the name that the validator's hello names: of an address its reverse name (RFC 8738 §6)."""
    return ipaddress.ip_address(name.text).reverse_pointer if isinstance(name, IPName) else name.text


def tls_alpn_answer(
    name: SiteName, key_authorisation: str, key: ec.EllipticCurvePrivateKey, now: datetime
) -> TlsAlpnAnswer:
    """Make the certificate that proves control of `name` (RFC 8737 §3); `key` is for it alone."""
    digest = hashlib.sha256(key_authorisation.encode("ascii")).digest()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME challenge")])
    begins = (now - BACKDATED).replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(digest[:SERIAL_OCTETS]) >> 1 | 1)
        .not_valid_before(begins)
        .not_valid_after(begins + ANSWER_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([general_name(name)]), critical=False)
        .add_extension(
            x509.UnrecognizedExtension(ACME_IDENTIFIER, OCTET_STRING_OF_32 + digest), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    return TlsAlpnAnswer(tls_alpn_server_name(name), (certificate.public_bytes(Encoding.DER),), pkcs8(key))


def general_name(name: SiteName) -> x509.GeneralName:
    """Return a name as certificates have it."""
    if isinstance(name, HostName):
        return x509.DNSName(name.text)
    return x509.IPAddress(ipaddress.ip_address(name.text))


def _reason(
    chosen: ChallengeType, not_offered: Sequence[ChallengeType], can_answer: Sequence[ChallengeType]
) -> str:
    if not_offered:
        return f"the CA offers no {' and no '.join(not_offered)}"
    unable = [one.value for one in ChallengeType if one not in can_answer]
    if unable:
        return f"this site cannot answer {' or '.join(unable)} now"
    return "it needs port 443 alone" if chosen is ChallengeType.TLS_ALPN else "it is preferred for this site"
