"""Certificate bytes to facts, however unusual the certificate."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, assert_never

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from port443.core import der
from port443.core.errors import CertificateError
from port443.core.names import Fingerprint, SiteName
from port443.core.x509.directory_name import COMMON_NAME, DirectoryName, NameKey
from port443.core.x509.extensions import Extensions, NameConstraints, read_extensions
from port443.core.x509.signatures import NAMES, Signature, SignatureFacts, made_by, signature_facts

KeyKind = Literal["rsa", "ec", "ed25519", "ed448", "dsa", "other"]
# RFC 8422 and RFC 4492 names to those of the TLS registry, where they differ.
CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
EC_KEY = "1.2.840.10045.2.1"
EXPLICIT_CURVE = "EC with explicit parameters"
RSA_PSS_KEY = "1.2.840.113549.1.1.10"
RSASSA_PSS = "rsassaPss"
"""The algorithm of an RSA key that is bound to one padding (RFC 4055 §1.2)."""
UNREADABLE = "(cannot be read)"
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
V3 = 3
KEPT = 1024
"""The size of the cache: the same intermediates are in many chains."""


class CertificateUnreadable(CertificateError):
    """These bytes are no X.509 certificate.

    Check that the file is a PEM or DER certificate, whole: `openssl x509 -in FILE -text` reads it.
    """

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

    @property
    def is_post_quantum(self) -> bool:
        """Whether no quantum computer is known to forge its signatures (FIPS 204 and 205)."""
        return self.algorithm.startswith(("ML-DSA", "SLH-DSA"))

    def __str__(self) -> str:
        match self.kind:
            case "ec":
                return f"ECDSA {self.curve}"
            case "rsa" | "dsa":
                name = "RSASSA-PSS" if self.algorithm == RSASSA_PSS else self.kind.upper()
                return f"{name} {self.bits}"
            case "ed25519" | "ed448":
                return self.kind.capitalize()
            case "other":
                return self.algorithm
            case kind:
                assert_never(kind)


@dataclass(frozen=True, slots=True)
class CertFacts:
    """The content of one certificate. Two are equal when their bytes are."""

    der: bytes = field(repr=False)
    fingerprint: Fingerprint = field(compare=False)
    spki: Fingerprint = field(compare=False)
    """The SHA-256 of its SubjectPublicKeyInfo: the same for each certificate of one key."""
    subject: str = field(compare=False)
    """RFC 4514; may be empty."""
    issuer: str = field(compare=False)
    subject_der: bytes = field(repr=False, compare=False)
    issuer_der: bytes = field(repr=False, compare=False)
    subject_name: DirectoryName = field(repr=False, compare=False)
    issuer_name: DirectoryName = field(repr=False, compare=False)
    subject_key: NameKey = field(repr=False, compare=False)
    """Equal to the `issuer_key` of the certificates that it signed (RFC 5280 §6.1.3)."""
    issuer_key: NameKey = field(repr=False, compare=False)
    common_name: str | None = field(compare=False)
    """For showing only: no client takes a host name from here (RFC 9525 §6.3)."""
    serial: int = field(compare=False)
    not_before: datetime = field(compare=False)
    not_after: datetime = field(compare=False)
    key: KeyFacts = field(compare=False)
    signature: SignatureFacts = field(compare=False)
    proof: Signature = field(repr=False, compare=False)
    names_two_algorithms: bool = field(repr=False, compare=False)
    """Whether it differs inside and outside of the signed part; clients refuse that (RFC 5280 §4.1.1.2)."""
    spki_der: bytes = field(repr=False, compare=False)
    extensions: Extensions = field(repr=False, compare=False)
    is_self_signed: bool = field(compare=False)
    flaws: tuple[str, ...] = field(compare=False)
    """What could not be read, one sentence each; empty for an ordinary certificate."""

    @classmethod
    def from_der(cls, octets: bytes) -> "CertFacts":
        """Read a certificate; raises `CertificateUnreadable` when it is none at all."""
        try:
            return _read(octets)
        except (ValueError, IndexError, OverflowError) as error:
            raise CertificateUnreadable(f"this is no certificate: {error}") from error

    @property
    def names(self) -> tuple[SiteName, ...]:
        """The host names and addresses of its subjectAltName."""
        return self.extensions.alt_names.names

    @property
    def other_names(self) -> tuple[str, ...]:
        """The rest of its subjectAltName: mail addresses, URIs, names that no host can have."""
        return self.extensions.alt_names.others

    @property
    def lifetime(self) -> timedelta:
        return self.not_after - self.not_before

    @property
    def is_ca(self) -> bool:
        return self.extensions.is_ca

    @property
    def is_self_issued(self) -> bool:
        return self.subject_key == self.issuer_key

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
        if self.names_two_algorithms:
            return False
        return made_by(self.proof, issuer.spki_der)


@dataclass(frozen=True, slots=True)
class _Body:
    """The fields of a TBSCertificate (RFC 5280 §4.1)."""

    version: int
    serial: int
    algorithm: bytes
    issuer: bytes
    validity: der.Element
    subject: bytes
    spki: bytes
    extensions: bytes | None


def validity(octets: bytes) -> tuple[datetime, datetime]:
    """Return when a certificate begins and ends, and read nothing else of it."""
    try:
        begins, ends = (
            _moment(one) for one in _body(der.only(octets, der.SEQUENCE).children()[0]).validity.children()
        )
    except (ValueError, IndexError) as error:
        raise CertificateUnreadable(f"this is no certificate: {error}") from error
    return begins, ends


def subject_key(octets: bytes) -> NameKey:
    """Return the form for comparing of a certificate's subject, and read nothing else of it."""
    try:
        subject = _body(der.only(octets, der.SEQUENCE).children()[0]).subject
    except (ValueError, IndexError) as error:
        raise CertificateUnreadable(f"this is no certificate: {error}") from error
    return _name_key(_name(subject)[0], subject)


@lru_cache(KEPT)
def _read(octets: bytes) -> CertFacts:
    signed, algorithm, signature = der.only(octets, der.SEQUENCE).children()
    body = _body(signed)
    extensions = Extensions() if body.extensions is None else read_extensions(body.extensions)
    (subject, subject_flaws), (issuer, issuer_flaws) = _name(body.subject), _name(body.issuer)
    not_before, not_after = (_moment(one) for one in body.validity.children())
    proof = Signature(algorithm.whole, signed.whole, signature.content[1:])
    return CertFacts(
        der=octets,
        fingerprint=Fingerprint.of(octets),
        spki=Fingerprint.of(body.spki),
        subject=UNREADABLE if subject is None else str(subject),
        issuer=UNREADABLE if issuer is None else str(issuer),
        subject_der=body.subject,
        issuer_der=body.issuer,
        subject_name=subject or DirectoryName(),
        issuer_name=issuer or DirectoryName(),
        subject_key=_name_key(subject, body.subject),
        issuer_key=_name_key(issuer, body.issuer),
        common_name=next(reversed(subject.values(COMMON_NAME)), None) if subject else None,
        serial=body.serial,
        not_before=not_before,
        not_after=not_after,
        key=_key_facts(body.spki),
        signature=signature_facts(algorithm.whole),
        proof=proof,
        names_two_algorithms=body.algorithm != algorithm.whole,
        spki_der=body.spki,
        extensions=extensions,
        is_self_signed=body.subject == body.issuer and made_by(proof, body.spki) is not False,
        flaws=(
            *(f"the subject: {flaw}" for flaw in subject_flaws),
            *(f"the issuer: {flaw}" for flaw in issuer_flaws if body.issuer != body.subject),
            *_flaws(body, algorithm.whole, not_before, not_after),
            *extensions.flaws,
        ),
    )


def _body(signed: der.Element) -> _Body:
    parts = list(signed.children())
    version = 1
    if parts[0].tag == der.CONTEXT | der.CONSTRUCTED:
        version = int.from_bytes(der.only(parts.pop(0).content, der.INTEGER).content) + 1
    serial, algorithm, issuer, validity, subject, spki, *more = parts
    if (serial.tag, spki.tag) != (der.INTEGER, der.SEQUENCE):
        raise der.DERMalformed("the fields of a certificate are not where they belong")
    listed = (part.content for part in more if part.tag == der.CONTEXT | der.CONSTRUCTED | 3)
    return _Body(
        version, int.from_bytes(serial.content, signed=True), algorithm.whole, issuer.whole, validity,
        subject.whole, spki.whole, next(listed, None),
    )  # fmt: skip


def _name(octets: bytes) -> tuple[DirectoryName | None, tuple[str, ...]]:
    try:
        name = DirectoryName.read(octets)
    except ValueError as error:
        return None, (f"it cannot be read: {error}",)
    return name, name.flaws


def _name_key(name: DirectoryName | None, octets: bytes) -> NameKey:
    return (frozenset({("", octets)}),) if name is None else name.key


def _moment(element: der.Element) -> datetime:
    """Read a date in UTC to the second (RFC 5280 §4.1.2.5); clients take no other form."""
    digits = element.content
    if element.tag == UTC_TIME and len(digits) == len("YYMMDDHHMMSSZ"):
        # RFC 5280 §4.1.2.5.1: 50 to 99 are of the last century.
        digits = (b"19" if digits[:2] >= b"50" else b"20") + digits
    elif element.tag != GENERALIZED_TIME:
        raise der.DERMalformed(f"{digits!r} is no date")
    if len(digits) != len("YYYYMMDDHHMMSSZ") or not digits[:-1].isdigit() or digits[-1:] != b"Z":
        raise der.DERMalformed(f"{digits!r} is no date")
    text = digits.decode("ascii")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)


def _flaws(body: _Body, algorithm: bytes, not_before: datetime, not_after: datetime) -> list[str]:
    found = []
    if body.serial <= 0:
        found.append("the serial number is not positive (RFC 5280 §4.1.2.2)")
    if not_after < not_before:
        found.append("it ends before it begins")
    if body.algorithm != algorithm:
        found.append("it names two signature algorithms (RFC 5280 §4.1.1.2)")
    if body.version != V3 and body.extensions is not None:
        found.append(f"it has extensions, but is of version {body.version} (RFC 5280 §4.1.2.1)")
    return found


def _spells_curve_out(spki: bytes) -> bool:
    """Whether an EC key has explicit parameters in place of a named curve (RFC 5480 §2.1.1)."""
    algorithm, *parameters = der.only(spki, der.SEQUENCE).children()[0].children()
    named = der.object_identifier(algorithm.content) == EC_KEY
    return named and bool(parameters) and parameters[0].tag == der.SEQUENCE


def _key_facts(spki: bytes) -> KeyFacts:
    algorithm = der.only(spki, der.SEQUENCE).children()[0].children()[0]
    oid = der.object_identifier(algorithm.content)
    if _spells_curve_out(spki):
        return KeyFacts("other", 0, algorithm=EXPLICIT_CURVE)
    try:
        key = load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm):
        return KeyFacts("other", 0, algorithm=NAMES.get(oid, oid))
    match key:
        case ec.EllipticCurvePublicKey():
            return KeyFacts("ec", key.key_size, CURVES.get(key.curve.name, key.curve.name), "ecdsa")
        case rsa.RSAPublicKey():
            return KeyFacts("rsa", key.key_size, algorithm=RSASSA_PSS if oid == RSA_PSS_KEY else "rsa")
        case dsa.DSAPublicKey():
            return KeyFacts("dsa", key.key_size, algorithm="dsa")
        case ed25519.Ed25519PublicKey():
            return KeyFacts("ed25519", 256, algorithm="ed25519")
        case ed448.Ed448PublicKey():
            return KeyFacts("ed448", 456, algorithm="ed448")
        case _:
            return KeyFacts("other", 0, algorithm=NAMES.get(oid, oid))
