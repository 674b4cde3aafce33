"""Certificate bytes in, facts out: what a certificate says, however strange it is."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.utils import CryptographyDeprecationWarning

from port443.core.errors import CertificateError
from port443.core.names import Fingerprint, SiteName
from port443.core.x509 import der
from port443.core.x509.extensions import Extensions, NameConstraints, read_extensions

T = TypeVar("T")
KeyKind = Literal["rsa", "ec", "ed25519", "ed448", "dsa", "other"]
# RFC 8422 and RFC 4492 names to those of the TLS registry, where they differ.
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
KNOWN_KEYS = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)
UNREADABLE = "(cannot be read)"


class CertificateUnreadable(CertificateError):
    """These bytes are no X.509 certificate. Check that the file is a PEM or DER certificate, whole."""

    code = "P443-E210"
    fault = "peer"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """A public key: its kind and its strength."""

    kind: KeyKind
    bits: int
    """0 when the kind is `other`."""
    curve: str | None = None
    """`P-256`, `P-384`, `P-521`, else the curve's own name."""
    algorithm: str = ""
    """The algorithm as its registry or object identifier names it."""

    def __str__(self) -> str:
        match self.kind:
            case "ec":
                return f"ECDSA {self.curve}"
            case "rsa" | "dsa":
                return f"{self.kind.upper()} {self.bits}"
            case "ed25519" | "ed448":
                return self.kind.capitalize()
            case _:
                return self.algorithm


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """How a certificate was signed."""

    name: str
    """As in its registry: `ecdsa-with-SHA256`; an unknown one is written in dots."""
    hash: str | None
    """`sha256`…; None when the algorithm has none of its own (Ed25519) or it is unknown."""


@dataclass(frozen=True, slots=True)
class CertFacts:
    """What one certificate says. Two are equal when their bytes are."""

    der: bytes = field(repr=False)
    fingerprint: Fingerprint = field(compare=False)
    spki: Fingerprint = field(compare=False)
    """The SHA-256 of its SubjectPublicKeyInfo: the same for each certificate of one key."""
    subject: str = field(compare=False)
    """RFC 4514; may be empty."""
    issuer: str = field(compare=False)
    subject_der: bytes = field(repr=False, compare=False)
    issuer_der: bytes = field(repr=False, compare=False)
    common_name: str | None = field(compare=False)
    """For showing only: no client takes a host name from here (RFC 9525 §6.3)."""
    serial: int = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    key: KeyFacts = field(compare=False)
    signature: SignatureFacts = field(compare=False)
    extensions: Extensions = field(repr=False, compare=False)
    is_self_signed: bool = field(compare=False)
    flaws: tuple[str, ...] = field(compare=False)
    """What could not be read, in words; empty for an ordinary certificate."""

    @classmethod
    def from_der(cls, octets: bytes) -> "CertFacts":
        """Read a certificate; raises `CertificateUnreadable` when it is none at all."""
        try:
            with warnings.catch_warnings():
                # A serial number of zero is a flaw to report, not a warning to print.
                warnings.simplefilter("ignore", CryptographyDeprecationWarning)
                return _read(octets)
        except (ValueError, IndexError, OverflowError, x509.InvalidVersion) as error:
            raise CertificateUnreadable(f"this is no certificate: {error}") from error

    @property
    def names(self) -> tuple[SiteName, ...]:
        """The host names and addresses of its subjectAltName."""
        return self.extensions.alt_names.names

    @property
    def other_names(self) -> tuple[str, ...]:
        """What its subjectAltName holds beside: mail addresses, URIs, names that no host can have."""
        return self.extensions.alt_names.others

    @property
    def lifetime(self) -> timedelta:
        return self.not_after - self.not_before

    @property
    def is_ca(self) -> bool:
        return self.extensions.is_ca

    @property
    def is_self_issued(self) -> bool:
        return self.subject_der == self.issuer_der

    @property
    def path_length(self) -> int | None:
        return self.extensions.path_length

    @property
    def subject_key_id(self) -> bytes | None:
        return self.extensions.subject_key_id

    @property
    def authority_key_id(self) -> bytes | None:
        return self.extensions.authority_key_id

    @property
    def key_usages(self) -> frozenset[str] | None:
        """RFC 5280 names as `key_cert_sign`; None when the extension is absent."""
        return self.extensions.key_usages

    @property
    def extended_key_usages(self) -> frozenset[str] | None:
        """`server_auth`…, unknown ones in dots; None when the extension is absent."""
        return self.extensions.extended_key_usages

    @property
    def name_constraints(self) -> NameConstraints | None:
        return self.extensions.name_constraints

    def covers(self, name: SiteName) -> bool:
        """Whether it is good for `name`; the common name never counts (RFC 9525 §6.3)."""
        return any(own.covers(name) for own in self.names)

    def is_valid_at(self, now: datetime) -> bool:
        return self.not_before <= now <= self.not_after

    def was_signed_by(self, issuer: "CertFacts") -> bool | None:
        """Whether `issuer`'s key made this signature; None when that algorithm cannot be checked here."""
        return _signed_by(_load(self.der), _load(issuer.der))


def _read(octets: bytes) -> CertFacts:
    certificate = x509.load_der_x509_certificate(octets)
    body = der.only(octets, der.SEQUENCE).children()[0].children()
    # version [0] DEFAULT v1, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    start = 1 if body[0].tag == der.CONTEXT | der.CONSTRUCTED else 0
    issuer_der, subject_der, spki = (body[start + index].whole for index in (2, 4, 5))
    listed = next((part.content for part in body if part.tag == der.CONTEXT | der.CONSTRUCTED | 3), None)
    extensions = Extensions() if listed is None else read_extensions(listed)
    subject, issuer = _name_text(lambda: certificate.subject), _name_text(lambda: certificate.issuer)
    return CertFacts(
        der=octets,
        fingerprint=Fingerprint.of(octets),
        spki=Fingerprint.of(spki),
        subject=subject,
        issuer=issuer,
        subject_der=subject_der,
        issuer_der=issuer_der,
        common_name=_common_name(certificate),
        serial=certificate.serial_number,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        key=_key_facts(certificate),
        signature=_signature_facts(certificate),
        extensions=extensions,
        is_self_signed=subject_der == issuer_der and _signed_by(certificate, certificate) is not False,
        flaws=_flaws(certificate, (subject, issuer)) + extensions.flaws,
    )


def _flaws(certificate: x509.Certificate, names: tuple[str, ...]) -> tuple[str, ...]:
    found = [f"the {what} cannot be read" for what, text in zip(("subject", "issuer"), names, strict=True)
             if text == UNREADABLE]  # fmt: skip
    if certificate.serial_number <= 0:
        found.append("the serial number is not positive (RFC 5280 §4.1.2.2)")
    if certificate.not_valid_after_utc < certificate.not_valid_before_utc:
        found.append("it ends before it begins")
    return tuple(found)


def _name_text(name: Callable[[], x509.Name]) -> str:
    try:
        return name().rfc4514_string()
    except ValueError:
        return UNREADABLE


def _common_name(certificate: x509.Certificate) -> str | None:
    try:
        found = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    except ValueError:
        return None
    return str(found[-1].value) if found else None


def _key_facts(certificate: x509.Certificate) -> KeyFacts:
    oid = certificate.public_key_algorithm_oid.dotted_string
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return KeyFacts("other", 0, algorithm=oid)
    match key:
        case ec.EllipticCurvePublicKey():
            return KeyFacts("ec", key.key_size, CURVES.get(key.curve.name, key.curve.name), "ecdsa")
        case rsa.RSAPublicKey():
            return KeyFacts("rsa", key.key_size, algorithm="rsa")
        case dsa.DSAPublicKey():
            return KeyFacts("dsa", key.key_size, algorithm="dsa")
        case ed25519.Ed25519PublicKey():
            return KeyFacts("ed25519", 256, algorithm="ed25519")
        case ed448.Ed448PublicKey():
            return KeyFacts("ed448", 456, algorithm="ed448")
        case _:
            return KeyFacts("other", 0, algorithm=oid)


def _signature_facts(certificate: x509.Certificate) -> SignatureFacts:
    oid = certificate.signature_algorithm_oid
    name = SIGNATURE_NAMES.get(oid.dotted_string, oid.dotted_string)
    try:
        algorithm = certificate.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return SignatureFacts(name, None)
    return SignatureFacts(name, algorithm.name if algorithm else None)


# RFC 3279, 4055, 5758, 8410: what people and other tools call them.
SIGNATURE_NAMES = {
    "1.2.840.113549.1.1.2": "md2WithRSAEncryption",
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption",
    "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.10": "rsassaPss",
    "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption",
    "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption",
    "1.2.840.10040.4.3": "dsa-with-SHA1",
    "2.16.840.1.101.3.4.3.2": "dsa-with-SHA256",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1",
    "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256",
    "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}


def _load(octets: bytes) -> x509.Certificate:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        return x509.load_der_x509_certificate(octets)


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool | None:
    signature, signed = certificate.signature, certificate.tbs_certificate_bytes
    try:
        key, how = issuer.public_key(), certificate.signature_algorithm_parameters
        digest = certificate.signature_hash_algorithm
        # Old digests are checked too: that a chain hangs together and that it is weak are two findings.
        match key, how:
            case rsa.RSAPublicKey(), padding.PKCS1v15() | padding.PSS() if digest:
                key.verify(signature, signed, how, digest)
            case ec.EllipticCurvePublicKey(), ec.ECDSA():
                key.verify(signature, signed, how)
            case ec.EllipticCurvePublicKey(), None if digest:  # ecdsa-with-SHA1, which has none given
                key.verify(signature, signed, ec.ECDSA(digest))
            case ((ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey()), None):
                key.verify(signature, signed)
            case _:
                return False if isinstance(key, KNOWN_KEYS) else None
    except InvalidSignature:
        return False
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return None  # a key or an algorithm that this library does not know
    return True
