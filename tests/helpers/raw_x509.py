"""Certificates written octet by octet, so that tests can make what no library wants to write."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pki import NOW
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificate_pem

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey
Name = tuple[tuple[str, int, str | bytes], ...]
"""Attributes as (type in dots, tag of the value, text or octets)."""
Extension = tuple[str, bool, bytes]
"""Object identifier, critical, DER of the value."""
CN, ORG, UNIT, COUNTRY, DC, MAIL = (
    "2.5.4.3", "2.5.4.10", "2.5.4.11", "2.5.4.6", "0.9.2342.19200300.100.1.25", "1.2.840.113549.1.9.1",
)  # fmt: skip
UTF8, PRINTABLE, TELETEX, IA5, UNIVERSAL, BMP = 12, 19, 20, 22, 28, 30
ENCODINGS = {TELETEX: "latin-1", UNIVERSAL: "utf-32-be", BMP: "utf-16-be"}
CA_USAGE, SERVER_USAGE = (5, 6), (0,)
SERVER_AUTH, CLIENT_AUTH, ANY_USAGE = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "2.5.29.37.0"
SERIALS = count(1)


def tlv(tag: int, *contents: bytes) -> bytes:
    """Write one DER element."""
    content = b"".join(contents)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size) + content


def seq(*contents: bytes) -> bytes:
    return tlv(0x30, *contents)


def integer(number: int) -> bytes:
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, signed=True))


def oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    out = b""
    for arc in (40 * first + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return tlv(6, out)


def bits(*positions: int) -> bytes:
    """Write a BIT STRING with these bits set, without trailing zeros."""
    if not positions:
        return tlv(3, b"\0")
    size = max(positions) // 8 + 1
    value = sum(1 << (8 * size - 1 - position) for position in positions)
    return tlv(3, bytes([8 * size - 1 - max(positions)]), value.to_bytes(size))


def name(*attributes: tuple[str, int, str | bytes]) -> bytes:
    """Write a Name whose parts have one attribute each."""
    return seq(*(tlv(0x31, seq(oid(kind), string(tag, value))) for kind, tag, value in attributes))


def string(tag: int, value: str | bytes) -> bytes:
    return tlv(tag, value if isinstance(value, bytes) else value.encode(ENCODINGS.get(tag, "utf-8")))


def called(text: str) -> bytes:
    return name((CN, UTF8, text))


def dns(text: str) -> bytes:
    return tlv(0x82, text.encode())


def mail(text: str) -> bytes:
    return tlv(0x81, text.encode())


def uri(text: str) -> bytes:
    return tlv(0x86, text.encode())


def address(octets: bytes) -> bytes:
    return tlv(0x87, octets)


def directory(whole_name: bytes) -> bytes:
    return tlv(0xA4, whole_name)


def subject_key_id(key: Key) -> Extension:
    return "2.5.29.14", False, tlv(4, _key_id(key))


def authority_key_id(key: Key) -> Extension:
    return "2.5.29.35", False, seq(tlv(0x80, _key_id(key)))


def _key_id(key: Key) -> bytes:
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()[:20]


def alt_names(*general_names: bytes, critical: bool = False) -> Extension:
    return "2.5.29.17", critical, seq(*general_names)


def basic(*, is_ca: bool, length: int | None = None, critical: bool = True) -> Extension:
    parts = [tlv(1, b"\xff")] * is_ca + ([integer(length)] if length is not None else [])
    return "2.5.29.19", critical, seq(*parts)


def usage(*positions: int, critical: bool = True) -> Extension:
    return "2.5.29.15", critical, bits(*positions)


def extended(*usages: str, critical: bool = False) -> Extension:
    return "2.5.29.37", critical, seq(*map(oid, usages))


def policies(*wanted: str, critical: bool = False, qualifier: bytes = b"") -> Extension:
    return "2.5.29.32", critical, seq(*(seq(oid(one), qualifier) for one in wanted))


def mappings(*pairs: tuple[str, str], critical: bool = True) -> Extension:
    return "2.5.29.33", critical, seq(*(seq(oid(one), oid(other)) for one, other in pairs))


def policy_constraints(
    require: int | None = None, inhibit: int | None = None, *, critical: bool = True
) -> Extension:
    parts = [
        tlv(0x80 | tag, integer(number)[2:])
        for tag, number in enumerate((require, inhibit))
        if number is not None
    ]
    return "2.5.29.36", critical, seq(*parts)


def inhibit_any(skip: int, *, critical: bool = True) -> Extension:
    return "2.5.29.54", critical, integer(skip)


def constraints(
    permitted: tuple[bytes, ...] = (), excluded: tuple[bytes, ...] = (), *, critical: bool = True
) -> Extension:
    trees = [tlv(tag, *map(seq, bases)) for tag, bases in ((0xA0, permitted), (0xA1, excluded)) if bases]
    return "2.5.29.30", critical, seq(*trees)


def moment(at: datetime) -> bytes:
    if at.year < 2050:
        return tlv(0x17, f"{at:%y%m%d%H%M%S}Z".encode())
    return tlv(0x18, f"{at:%Y%m%d%H%M%S}Z".encode())


@dataclass(frozen=True)
class Raw:
    """A certificate to write. What is not said is as RFC 5280 wants it."""

    subject: bytes
    by: "Raw | None" = None
    extensions: tuple[Extension, ...] = ()
    key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    issuer: bytes | None = None
    """Another issuer's name than that of `by`."""
    begins: datetime = NOW - timedelta(days=1)
    ends: datetime = NOW + timedelta(days=80)
    version: int = 3
    inner_algorithm: bytes | None = None
    damage: Callable[[bytes], bytes] = bytes
    """Done to the signature."""
    spki: bytes | None = None
    """In the place of the key's own."""
    serial: int = field(default_factory=lambda: next(SERIALS))

    @cached_property
    def der(self) -> bytes:
        signer = self.by.key if self.by else self.key
        algorithm = ALGORITHMS[type(signer).__name__.lstrip("_")]
        tbs = seq(
            b"" if self.version == 1 else tlv(0xA0, integer(self.version - 1)),
            integer(self.serial),
            self.inner_algorithm or algorithm,
            self.issuer or (self.by.subject if self.by else self.subject),
            seq(moment(self.begins), moment(self.ends)),
            self.subject,
            self.spki or self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            tlv(0xA3, seq(*map(_extension, self.extensions))) if self.extensions else b"",
        )
        return seq(tbs, algorithm, tlv(3, b"\0", self.damage(_signature(signer, tbs))))

    @property
    def facts(self) -> CertFacts:
        return CertFacts.from_der(self.der)

    @property
    def pem(self) -> bytes:
        return certificate_pem([self.der])

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def rsa_spki(modulus: int, exponent: int) -> bytes:
    """Write an RSA key of any numbers."""
    key = seq(integer(modulus), integer(exponent))
    return seq(seq(oid("1.2.840.113549.1.1.1"), b"\x05\0"), tlv(3, b"\0", key))


def explicit_p256(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Write a P-256 key with its curve spelt out (X9.62), as RFC 5480 §2.1.1 forbids."""
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    base = ec.derive_private_key(1, ec.SECP256R1()).public_key()
    point, generator = (
        one.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) for one in (key.public_key(), base)
    )
    curve = seq(tlv(4, (prime - 3).to_bytes(32)), tlv(4, b.to_bytes(32)))
    field_id = seq(oid("1.2.840.10045.1.1"), integer(prime))
    parameters = seq(integer(1), field_id, curve, tlv(4, generator), integer(order), integer(1))
    return seq(seq(oid("1.2.840.10045.2.1"), parameters), tlv(3, b"\0", point))


ALGORITHMS = {
    "EllipticCurvePrivateKey": seq(oid("1.2.840.10045.4.3.2")),
    "ECPrivateKey": seq(oid("1.2.840.10045.4.3.2")),
    "RSAPrivateKey": seq(oid("1.2.840.113549.1.1.11"), b"\x05\0"),
    "Ed448PrivateKey": seq(oid("1.3.101.113")),
}


def _extension(extension: Extension) -> bytes:
    kind, critical, value = extension
    return seq(oid(kind), tlv(1, b"\xff") if critical else b"", tlv(4, value))


def _signature(signer: Key, content: bytes) -> bytes:
    match signer:
        case rsa.RSAPrivateKey():
            from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415 - rare

            return signer.sign(content, padding.PKCS1v15(), hashes.SHA256())
        case ed448.Ed448PrivateKey():
            return signer.sign(content)
        case _:
            return signer.sign(content, ec.ECDSA(hashes.SHA256()))


def raw_root(subject: bytes = called("Root"), *extra: Extension, **changes: Any) -> Raw:
    """Make a root."""
    wanted = Raw(subject, None, (basic(is_ca=True), usage(*CA_USAGE), *extra))
    return replace(wanted, **changes)


def raw_ca(by: Raw, subject: bytes = called("Intermediate"), *extra: Extension, **changes: Any) -> Raw:
    """Make an intermediate."""
    wanted = Raw(subject, by, (basic(is_ca=True), usage(*CA_USAGE), *extra))
    return replace(wanted, **changes)


def raw_leaf(by: Raw | None, host: str, *extra: Extension, **changes: Any) -> Raw:
    """Make a server's certificate for one host; an extension in `extra` stands instead of the usual one."""
    usual = (basic(is_ca=False), usage(*SERVER_USAGE), extended(SERVER_AUTH), alt_names(dns(host)))
    given = {kind for kind, _, _ in extra}
    wanted = Raw(called(host), by, (*(one for one in usual if one[0] not in given), *extra))
    return replace(wanted, **changes)
