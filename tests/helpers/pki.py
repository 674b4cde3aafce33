"""A small certificate workshop for tests: certificates of every kind, right and wrong."""

import ipaddress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from port443.core.x509.facts import CertFacts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]


@dataclass(frozen=True)
class Made:
    """A certificate with the key that belongs to it."""

    facts: CertFacts
    key: Key

    @property
    def certificate(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.facts.der)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True)
class Order:
    """What a certificate should be; `by` None signs it with its own key."""

    subject: str
    by: Made | None = None
    names: tuple[str, ...] = ()
    is_ca: bool = False
    path_length: int | None = None
    not_before: datetime = NOW - timedelta(days=1)
    not_after: datetime = NOW + timedelta(days=89)
    key: Key | None = None
    identifiers: bool = True
    extra: tuple[Extension, ...] = ()
    usage: x509.ObjectIdentifier | None = None
    claims: x509.Name | None = None
    """An issuer name that differs from the signer's."""


def make(order: Order) -> Made:
    """Make a certificate to order."""
    key = order.key or ec.generate_private_key(ec.SECP256R1())
    name = common_name(order.subject)
    issuer = order.by.certificate.subject if order.by else name
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(order.claims or issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(order.not_before)
        .not_valid_after(order.not_after)
    )
    signer = order.by.key if order.by else key
    for extension, critical in _extensions(order, key, signer):
        builder = builder.add_extension(extension, critical)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Made(CertFacts.from_der(builder.sign(signer, digest).public_bytes(Encoding.DER)), key)


def root(subject: str = "Root", **changes: Any) -> Made:
    """Make a root that signs for ten years."""
    return make(replace(Order(subject, is_ca=True, not_after=NOW + timedelta(days=3650)), **changes))


def intermediate(by: Made, subject: str = "Intermediate", **changes: Any) -> Made:
    """Make a CA below another."""
    return make(replace(Order(subject, by, is_ca=True, not_after=NOW + timedelta(days=900)), **changes))


def leaf(by: Made | None = None, *names: str, **changes: Any) -> Made:
    """Make a server's certificate; without `by` it is self-signed."""
    wanted = names or ("a.test",)
    order = Order(wanted[0], by, names=wanted, usage=ExtendedKeyUsageOID.SERVER_AUTH)
    return make(replace(order, **changes))


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _extensions(order: Order, key: Key, signer: Key) -> list[Extension]:
    made: list[Extension] = [(x509.BasicConstraints(order.is_ca, order.path_length), True)]
    if order.names:
        made.append((x509.SubjectAlternativeName([general_name(name) for name in order.names]), False))
    if order.usage:
        made.append((x509.ExtendedKeyUsage([order.usage]), False))
    if order.identifiers:
        made.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        made.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
    return [*made, *order.extra]
