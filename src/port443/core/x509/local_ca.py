"""The local CA: roots and leaves by value. Keys and the time are passed in.

A root signs leaves itself, without an intermediate: root and intermediate would lie in the same store
under the same lock, so a second key would protect nothing, cost 500 bytes in each full handshake and add
a date on which everything ends. The chain to send is therefore the leaf alone, and complete.
"""

import hashlib
import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from port443.core.errors import CertificateError
from port443.core.names import RESERVED_NETWORKS, RESERVED_SUFFIXES, HostName, SiteName
from port443.core.x509.constraints import names_refused
from port443.core.x509.facts import CertFacts

ROOT_LIFETIME = timedelta(days=3652)
LEAF_LIFETIME = timedelta(days=90)
BACKDATED = timedelta(hours=1)
"""For clients whose clock is behind: more than 6 % are, by some time."""
MAX_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A.1
SERIAL_OCTETS = 16  # at most 20, at least 64 unpredictable bits (CA/B BR §7.1)


class NameNotPermitted(CertificateError):
    """The local CA's root may not sign for this name: it is constrained to reserved names.

    The root that people install is only valid for localhost, .localhost, .test, .internal, .home.arpa and
    private addresses, so that its key, if stolen, affects no other site. For any other name set
    `issuer: local` at the site: a second root without these bounds is then made.
    """

    code = "P443-E211"
    fault = "operator"


@dataclass(frozen=True, slots=True)
class Authority:
    """A root with its key."""

    root: CertFacts
    key: ec.EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeafOrder:
    """The parameters of a leaf."""

    names: tuple[SiteName, ...]
    """The first host name becomes the common name too, for people."""
    key: ec.EllipticCurvePublicKey
    now: datetime
    lifetime: timedelta = LEAF_LIFETIME


def make_root(key: ec.EllipticCurvePrivateKey, now: datetime, *, constrained: bool) -> CertFacts:
    """Make a self-signed root for ten years; a constrained one can sign for reserved names only."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # Each root has its own subject: clients look issuers up by name, and people see the owner.
    kind = "local CA" if constrained else "local CA for any name"
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "port443"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"port443 {kind} {identifier.digest.hex()[:8]}"),
        ]
    )
    builder = (
        _builder(key.public_key(), now, now + ROOT_LIFETIME, _serial(identifier.digest, now))
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(is_ca=True), critical=True)
        .add_extension(identifier, critical=False)
    )
    if constrained:
        builder = builder.add_extension(RESERVED_ONLY, critical=True)
    return _signed(builder, key)


def sign_leaf(authority: Authority, order: LeafOrder) -> CertFacts:
    """Sign a server's certificate; raises `NameNotPermitted` when the root may not."""
    constraints = authority.root.name_constraints
    if constraints and (refused := names_refused(order.names, constraints)):
        listed = ", ".join(str(name) for name in refused)
        raise NameNotPermitted(
            f"the constrained local CA may not sign for {listed}", "set issuer: local at the site"
        )
    issuer = x509.load_der_x509_certificate(authority.root.der)
    identifier = x509.SubjectKeyIdentifier.from_public_key(order.key)
    subject = _subject(order.names)
    ends = min(order.now + order.lifetime, authority.root.not_after)
    serial = _serial(authority.root.spki.text.encode() + _spki(order.key), order.now, order.names)
    builder = (
        _builder(order.key, order.now, ends, serial)
        .subject_name(subject)
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(is_ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(_authority_identifier(issuer), critical=False)
        # Critical when there is no subject beside it (RFC 5280 §4.2.1.6).
        .add_extension(_alt_names(order.names), critical=not list(subject))
    )
    return _signed(builder, authority.key)


# Domains have no leading dot: so they include themselves and all below (RFC 5280 §4.2.1.10).
RESERVED_ONLY = x509.NameConstraints(
    permitted_subtrees=[
        *(x509.DNSName(suffix) for suffix in RESERVED_SUFFIXES),
        *(x509.IPAddress(network) for network in RESERVED_NETWORKS),
    ],
    excluded_subtrees=None,
)


def _builder(
    key: ec.EllipticCurvePublicKey, now: datetime, ends: datetime, serial: int
) -> x509.CertificateBuilder:
    begins = (now - BACKDATED).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(begins)
        .not_valid_after(ends.replace(microsecond=0))
    )


def _signed(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> CertFacts:
    return CertFacts.from_der(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER))


def _serial(keys: bytes, now: datetime, names: tuple[SiteName, ...] = ()) -> int:
    """Return a serial number: unforeseeable, since the key is, and never the same for two leaves."""
    content = [keys, now.isoformat().encode(), *(str(name).encode() for name in names)]
    digest = hashlib.sha256(b"\0".join(content)).digest()[:SERIAL_OCTETS]
    return int.from_bytes(digest) >> 1 | 1  # positive and never zero


def _subject(names: tuple[SiteName, ...]) -> x509.Name:
    # Not for an address: OpenSSL holds a common name against the constraints on host names.
    hosts = (name.text for name in names if isinstance(name, HostName) and len(name.text) <= MAX_COMMON_NAME)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host) for host in list(hosts)[:1]])


def _alt_names(names: tuple[SiteName, ...]) -> x509.SubjectAlternativeName:
    return x509.SubjectAlternativeName(
        [
            x509.DNSName(name.text)
            if isinstance(name, HostName)
            else x509.IPAddress(ipaddress.ip_address(name.text))
            for name in names
        ]
    )


def _authority_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _key_usage(*, is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        encipher_only=False,
        decipher_only=False,
    )


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
