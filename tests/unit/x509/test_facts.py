"""Facts of certificates, ordinary and strange."""

import ipaddress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from port443.core.names import HostName, IPName
from port443.core.x509.facts import CertFacts, CertificateUnreadable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

Digest = hashes.SHA256 | hashes.SHA384


def certificate(
    *extensions: tuple[x509.ExtensionType, bool],
    key: Key | None = None,
    digest: Digest | None = None,
    subject: x509.Name | None = None,
) -> bytes:
    """Sign a certificate by its own key, with just these extensions."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.test")]) if subject is None else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(443)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=89))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        digest = digest or hashes.SHA256()
    return builder.sign(key, digest).public_bytes(Encoding.DER)


def alt_names(*names: x509.GeneralName) -> tuple[x509.ExtensionType, bool]:
    return x509.SubjectAlternativeName(names), False


def extension(oid: str, value: bytes) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), False


def test_an_ordinary_leaf_says_all_it_holds() -> None:
    """Names, dates, key, signature, usages and identifiers are what was put in."""
    key = ec.generate_private_key(ec.SECP256R1())
    facts = CertFacts.from_der(
        certificate(
            alt_names(
                x509.DNSName("A.test"), x509.DNSName("*.b.test"), x509.IPAddress(ipaddress.ip_address("::1"))
            ),
            (x509.BasicConstraints(ca=True, path_length=1), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False),
            key=key,
        )
    )
    assert facts.names == (HostName("a.test"), HostName("*.b.test"), IPName("::1"))
    assert (facts.subject, facts.common_name, facts.serial) == ("CN=a.test", "a.test", 443)
    assert facts.lifetime == timedelta(days=90)
    assert str(facts.key) == "ECDSA P-256"
    assert (facts.signature.name, facts.signature.hash) == ("ecdsa-with-SHA256", "sha256")
    assert (facts.is_ca, facts.path_length) == (True, 1)
    assert facts.extended_key_usages == frozenset({"server_auth"})
    assert facts.subject_key_id == facts.authority_key_id
    assert facts.is_self_signed
    assert facts.flaws == ()


def test_names_that_no_client_matches_are_kept_apart() -> None:
    """A mail address, a final dot, an underscore and a half wildcard cover nothing."""
    strange = ("a.test.", "a_b.test", "w*.test", "192.0.2.1")
    facts = CertFacts.from_der(
        certificate(alt_names(x509.RFC822Name("a@a.test"), *(x509.DNSName(text) for text in strange)))
    )
    assert facts.names == ()
    assert facts.other_names == ("a@a.test", *strange)
    assert not facts.covers(HostName("a.test"))
    assert not facts.covers(IPName("192.0.2.1"))


def test_the_common_name_covers_nothing() -> None:
    """A certificate without subjectAltName is good for no name (RFC 9525)."""
    assert not CertFacts.from_der(certificate()).covers(HostName("a.test"))


def test_a_broken_extension_spoils_no_other() -> None:
    """What cannot be read is named among the flaws; the rest is read."""
    facts = CertFacts.from_der(
        certificate(
            extension("2.5.29.15", b"\x03\x7f\x00"),
            extension("2.5.29.30", b"\x30\x02\x05\x00"),
            alt_names(x509.DNSName("a.test")),
        )
    )
    assert facts.names == (HostName("a.test"),)
    assert facts.key_usages is None
    assert facts.name_constraints is None
    assert len(facts.flaws) == 2


def test_a_critical_extension_nobody_knows_is_named() -> None:
    """A client must refuse such a certificate (RFC 5280 §4.2), so it is told."""
    unknown = (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)
    assert CertFacts.from_der(certificate(unknown)).extensions.unknown_critical == ("1.2.3.4",)


@pytest.mark.parametrize(
    ("key", "digest", "text", "signature"),
    [
        (rsa.generate_private_key(65537, 2048), None, "RSA 2048", "sha256WithRSAEncryption"),
        (ec.generate_private_key(ec.SECP384R1()), hashes.SHA384(), "ECDSA P-384", "ecdsa-with-SHA384"),
        (ed25519.Ed25519PrivateKey.generate(), None, "Ed25519", "Ed25519"),
    ],
)
def test_kinds_of_keys_are_told(key: Key, digest: Digest | None, text: str, signature: str) -> None:
    """Each kind of key is named with its strength, and its own signature is checked."""
    facts = CertFacts.from_der(certificate(key=key, digest=digest))
    assert (text, signature) == (str(facts.key), facts.signature.name)
    assert facts.is_self_signed


def test_a_name_signed_by_another_key_is_not_self_signed() -> None:
    """Subject and issuer alone prove nothing: the signature decides."""
    octets = bytearray(certificate(key=rsa.generate_private_key(65537, 2048)))
    octets[-1] ^= 1
    facts = CertFacts.from_der(bytes(octets))
    assert facts.is_self_issued
    assert not facts.is_self_signed


@given(st.binary(max_size=64))
def test_noise_is_one_error(noise: bytes) -> None:
    """Bytes that are no certificate raise CertificateUnreadable and nothing else."""
    with pytest.raises(CertificateUnreadable):
        CertFacts.from_der(noise)


WHOLE = certificate(
    alt_names(x509.DNSName("a.test"), x509.DNSName("b.test")),
    (x509.BasicConstraints(ca=False, path_length=None), True),
    (x509.NameConstraints([x509.DNSName("test")], None), True),
    key=ec.generate_private_key(ec.SECP256R1()),
)


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_flipped_octet_is_facts_or_one_error(place: int, flip: int) -> None:
    """However a certificate is damaged, there are facts or there is CertificateUnreadable."""
    damaged = bytearray(WHOLE)
    damaged[place] ^= flip
    try:
        facts = CertFacts.from_der(bytes(damaged))
    except CertificateUnreadable:
        return
    assert facts.fingerprint != CertFacts.from_der(WHOLE).fingerprint
