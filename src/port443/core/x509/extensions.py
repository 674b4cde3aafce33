"""The extensions of a certificate, each read by itself: one that is broken spoils no other."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from port443.core import der
from port443.core.names import HostName, IPName, NameInvalid, SiteName

T = TypeVar("T")

SUBJECT_KEY_ID, KEY_USAGE, SUBJECT_ALT_NAME = "2.5.29.14", "2.5.29.15", "2.5.29.17"
BASIC_CONSTRAINTS, NAME_CONSTRAINTS, CRL_POINTS = "2.5.29.19", "2.5.29.30", "2.5.29.31"
POLICIES, AUTHORITY_KEY_ID, EXTENDED_KEY_USAGE = "2.5.29.32", "2.5.29.35", "2.5.29.37"
AUTHORITY_ACCESS, TLS_FEATURE, SCTS = (
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.24",
    "1.3.6.1.4.1.11129.2.4.2",
)
KNOWN = {
    SUBJECT_KEY_ID, KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, NAME_CONSTRAINTS, CRL_POINTS,
    POLICIES, AUTHORITY_KEY_ID, EXTENDED_KEY_USAGE, AUTHORITY_ACCESS, TLS_FEATURE, SCTS,
}  # fmt: skip
# RFC 5280 §4.2.1.3, in the order of the bits.
KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
EXTENDED_KEY_USAGES = {
    "2.5.29.37.0": "any",
    "1.3.6.1.5.5.7.3.1": "server_auth",
    "1.3.6.1.5.5.7.3.2": "client_auth",
    "1.3.6.1.5.5.7.3.3": "code_signing",
    "1.3.6.1.5.5.7.3.4": "email_protection",
    "1.3.6.1.5.5.7.3.8": "time_stamping",
    "1.3.6.1.5.5.7.3.9": "ocsp_signing",
}
OCSP, CA_ISSUERS = "1.3.6.1.5.5.7.48.1", "1.3.6.1.5.5.7.48.2"
RFC822_NAME, DNS_NAME, URI, IP_ADDRESS = 0x81, 0x82, 0x86, 0x87  # GeneralName, RFC 5280 §4.2.1.6
PERMITTED, EXCLUDED = 0xA0, 0xA1  # NameConstraints, RFC 5280 §4.2.1.10
STATUS_REQUEST = b"\x05"  # RFC 7633: a TLS feature is a TLS extension number


@dataclass(frozen=True, slots=True)
class AltNames:
    """What a subjectAltName says: names a site can have, and the rest as text."""

    names: tuple[SiteName, ...] = ()
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Basic:
    """basicConstraints (RFC 5280 §4.2.1.9)."""

    is_ca: bool = False
    path_length: int | None = None


@dataclass(frozen=True, slots=True)
class NameTree:
    """Subtrees of one kind of name constraint (RFC 5280 §4.2.1.10)."""

    domains: tuple[str, ...] = ()
    """Lower-case; "example.com" holds itself and all below it."""
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """What names an issuer may certify; an empty kind in `permitted` leaves that kind free."""

    permitted: NameTree = NameTree()
    excluded: NameTree = NameTree()


@dataclass(frozen=True, slots=True)
class Extensions:
    """All extensions that matter to a server certificate; what is absent is None or empty."""

    alt_names: AltNames = AltNames()
    is_ca: bool = False
    path_length: int | None = None
    subject_key_id: bytes | None = None
    authority_key_id: bytes | None = None
    key_usages: frozenset[str] | None = None
    extended_key_usages: frozenset[str] | None = None
    name_constraints: NameConstraints | None = None
    ocsp_urls: tuple[str, ...] = ()
    issuer_urls: tuple[str, ...] = ()
    crl_urls: tuple[str, ...] = ()
    must_staple: bool = False
    has_scts: bool = False
    unknown_critical: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()
    """What could not be read, in words."""


@dataclass(slots=True)
class _Reader:
    found: dict[str, bytes]
    flaws: list[str] = field(default_factory=list)

    def read(self, oid: str, what: str, parse: Callable[[bytes], T], absent: T) -> T:
        """Parse the extension `oid`; when it is broken note that and take it for absent."""
        if oid not in self.found:
            return absent
        try:
            return parse(self.found[oid])
        except (ValueError, IndexError) as error:
            self.flaws.append(f"the extension {what} cannot be read: {error}")
            return absent


def read_extensions(listed: bytes) -> Extensions:
    """Read the content of `extensions [3]`; never raises."""
    found, critical, flaws = _collect(listed)
    reader = _Reader(found, flaws)
    basic = reader.read(BASIC_CONSTRAINTS, "basicConstraints", _basic, Basic())
    access: tuple[tuple[str, str], ...] = reader.read(AUTHORITY_ACCESS, "authorityInfoAccess", _access, ())
    return Extensions(
        alt_names=reader.read(SUBJECT_ALT_NAME, "subjectAltName", _alt_names, AltNames()),
        is_ca=basic.is_ca,
        path_length=basic.path_length,
        subject_key_id=reader.read(SUBJECT_KEY_ID, "subjectKeyIdentifier", _octets, None),
        authority_key_id=reader.read(AUTHORITY_KEY_ID, "authorityKeyIdentifier", _authority, None),
        key_usages=reader.read(KEY_USAGE, "keyUsage", _key_usages, None),
        extended_key_usages=reader.read(EXTENDED_KEY_USAGE, "extKeyUsage", _extended, None),
        name_constraints=reader.read(NAME_CONSTRAINTS, "nameConstraints", _constraints, None),
        ocsp_urls=tuple(url for method, url in access if method == OCSP),
        issuer_urls=tuple(url for method, url in access if method == CA_ISSUERS),
        crl_urls=reader.read(CRL_POINTS, "cRLDistributionPoints", _crl_urls, ()),
        must_staple=reader.read(TLS_FEATURE, "tlsFeature", _must_staple, absent=False),
        has_scts=SCTS in found,
        unknown_critical=tuple(oid for oid in critical if oid not in KNOWN),
        flaws=tuple(reader.flaws),
    )


def _collect(listed: bytes) -> tuple[dict[str, bytes], list[str], list[str]]:
    """Return the value of each extension, which ones are critical, and what is wrong."""
    found: dict[str, bytes] = {}
    critical: list[str] = []
    flaws: list[str] = []
    try:
        for extension in der.only(listed, der.SEQUENCE).children():
            oid, *flag, value = extension.children()
            name = der.object_identifier(oid.content)
            if name in found:
                flaws.append(f"the extension {name} stands twice")
            found.setdefault(name, value.content)
            if flag and flag[0].content != b"\x00":
                critical.append(name)
    except (ValueError, IndexError) as error:
        flaws.append(f"the list of extensions cannot be read: {error}")
    return found, critical, flaws


def _octets(value: bytes) -> bytes | None:
    return der.only(value, der.OCTET_STRING).content


def _basic(value: bytes) -> Basic:
    is_ca, path_length = False, None
    for child in der.only(value, der.SEQUENCE).children():
        if child.tag == der.BOOLEAN:
            is_ca = child.content != b"\x00"
        elif child.tag == der.INTEGER:
            path_length = int.from_bytes(child.content, signed=True)
    return Basic(is_ca, path_length)


def _authority(value: bytes) -> bytes | None:
    children = der.only(value, der.SEQUENCE).children()
    return next((child.content for child in children if child.tag == der.CONTEXT), None)


def _key_usages(value: bytes) -> frozenset[str] | None:
    positions = der.bits(der.only(value, der.BIT_STRING).content)
    return frozenset(name for bit, name in enumerate(KEY_USAGES) if bit in positions)


def _extended(value: bytes) -> frozenset[str] | None:
    usages = [der.object_identifier(child.content) for child in der.only(value, der.SEQUENCE).children()]
    return frozenset(EXTENDED_KEY_USAGES.get(usage, usage) for usage in usages)


def _access(value: bytes) -> tuple[tuple[str, str], ...]:
    pairs = (child.children() for child in der.only(value, der.SEQUENCE).children())
    return tuple((der.object_identifier(m.content), _text(place)) for m, place in pairs if place.tag == URI)


def _crl_urls(value: bytes) -> tuple[str, ...]:
    urls: list[str] = []
    for point in der.only(value, der.SEQUENCE).children():
        for part in point.children():
            # distributionPoint [0] { fullName [0] { GeneralName… } }
            if part.tag == der.CONTEXT | der.CONSTRUCTED:
                places = (name for choice in part.children() for name in choice.children())
                urls += [_text(name) for name in places if name.tag == URI]
    return tuple(urls)


def _must_staple(value: bytes) -> bool:
    return any(child.content == STATUS_REQUEST for child in der.only(value, der.SEQUENCE).children())


def _alt_names(value: bytes) -> AltNames:
    names: list[SiteName] = []
    others: list[str] = []
    for child in der.only(value, der.SEQUENCE).children():
        name = _site_name(child)
        if name is None:
            others.append(_text(child))
        elif name not in names:
            names.append(name)
    return AltNames(tuple(names), tuple(others))


def _site_name(general: der.Element) -> SiteName | None:
    if general.tag == IP_ADDRESS and len(general.content) in (4, 16):
        return IPName.parse(str(ipaddress.ip_address(general.content)))
    if general.tag != DNS_NAME:
        return None
    text = _text(general)
    try:
        name = HostName.parse(text)
    except NameInvalid:
        return None
    # A final dot, white space or U-labels are no name that a client would match (RFC 9525 §6.3).
    return name if name.text == text.lower() else None


def _constraints(value: bytes) -> NameConstraints | None:
    trees = {child.tag: _tree(child) for child in der.only(value, der.SEQUENCE).children()}
    if not trees or not trees.keys() <= {PERMITTED, EXCLUDED}:
        raise der.DERMalformed("neither permitted nor excluded subtrees")
    return NameConstraints(trees.get(PERMITTED, NameTree()), trees.get(EXCLUDED, NameTree()))


def _tree(subtrees: der.Element) -> NameTree:
    domains: list[str] = []
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for subtree in subtrees.children():
        base = subtree.children()[0]
        if base.tag == DNS_NAME:
            domains.append(_text(base).lower())
        elif base.tag == IP_ADDRESS:
            networks.append(_network(base.content))
    return NameTree(tuple(domains), tuple(networks))


def _network(octets: bytes) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    half = len(octets) // 2
    address, mask = ipaddress.ip_address(octets[:half]), int.from_bytes(octets[half:])
    return ipaddress.ip_network(f"{address}/{mask.bit_count()}", strict=False)


def _text(element: der.Element) -> str:
    return element.content.decode("ascii", "backslashreplace")
