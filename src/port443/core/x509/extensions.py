"""The extensions of a certificate, each read by itself: one that is broken spoils no other."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from port443.core import der
from port443.core.names import HostName, IPName, NameInvalid, SiteName
from port443.core.x509.directory_name import DirectoryName

T = TypeVar("T")

SUBJECT_KEY_ID, KEY_USAGE, SUBJECT_ALT_NAME = "2.5.29.14", "2.5.29.15", "2.5.29.17"
BASIC_CONSTRAINTS, NAME_CONSTRAINTS, CRL_POINTS = "2.5.29.19", "2.5.29.30", "2.5.29.31"
POLICIES, POLICY_MAPPINGS, AUTHORITY_KEY_ID = "2.5.29.32", "2.5.29.33", "2.5.29.35"
POLICY_CONSTRAINTS, EXTENDED_KEY_USAGE, INHIBIT_ANY_POLICY = "2.5.29.36", "2.5.29.37", "2.5.29.54"
AUTHORITY_ACCESS, TLS_FEATURE, SCTS = (
    "1.3.6.1.5.5.7.1.1",
    "1.3.6.1.5.5.7.1.24",
    "1.3.6.1.4.1.11129.2.4.2",
)
# Those that clients process, so that they may be critical. Key identifiers, authorityInfoAccess and the like
# must not be (RFC 5280 §4.2), and OpenSSL and others refuse them when they are.
PROCESSED = {
    KEY_USAGE, SUBJECT_ALT_NAME, BASIC_CONSTRAINTS, NAME_CONSTRAINTS, CRL_POINTS, POLICIES, POLICY_MAPPINGS,
    POLICY_CONSTRAINTS, EXTENDED_KEY_USAGE, INHIBIT_ANY_POLICY,
}  # fmt: skip
POLICY_EXTENSIONS = {
    POLICIES: "certificatePolicies",
    POLICY_MAPPINGS: "policyMappings",
    POLICY_CONSTRAINTS: "policyConstraints",
    INHIBIT_ANY_POLICY: "inhibitAnyPolicy",
}
READ_BY_ALL = PROCESSED - POLICY_EXTENSIONS.keys() | {SUBJECT_KEY_ID, AUTHORITY_KEY_ID}
ANY_POLICY = "2.5.29.32.0"
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
# GeneralName, RFC 5280 §4.2.1.6
RFC822_NAME, DNS_NAME, DIRECTORY_NAME, URI, IP_ADDRESS = 0x81, 0x82, 0xA4, 0x86, 0x87
NAME_KINDS = {RFC822_NAME: "e-mail", DNS_NAME: "DNS", URI: "URI", IP_ADDRESS: "IP"}
PERMITTED, EXCLUDED = 0xA0, 0xA1  # NameConstraints, RFC 5280 §4.2.1.10
ADDRESS_OCTETS = (4, 16)
UNREAD = {AUTHORITY_ACCESS, TLS_FEATURE}
"""Broken ones spoil only themselves; no client refuses for them."""
STATUS_REQUEST = b"\x05"  # RFC 7633: a TLS feature is a TLS extension number


@dataclass(frozen=True, slots=True)
class GeneralName:
    """A name of any kind, as octets (RFC 5280 §4.2.1.6)."""

    kind: int
    """The tag."""
    content: bytes
    """For a directoryName the whole Name, else what the tag holds."""

    @property
    def text(self) -> str:
        return self.content.decode("ascii", "backslashreplace")

    def __str__(self) -> str:
        if self.kind == DIRECTORY_NAME:
            return str(DirectoryName.read(self.content))
        if self.kind == IP_ADDRESS and len(self.content) in ADDRESS_OCTETS:
            return str(ipaddress.ip_address(self.content))
        return self.text if self.kind in NAME_KINDS else f"a name of kind {self.kind & 0x1F}"


@dataclass(frozen=True, slots=True)
class AltNames:
    """The content of a subjectAltName: names a site can have, and the rest as text."""

    names: tuple[SiteName, ...] = ()
    others: tuple[str, ...] = ()
    general: tuple[GeneralName, ...] = ()
    """All of it, unchanged."""


@dataclass(frozen=True, slots=True)
class Basic:
    """basicConstraints (RFC 5280 §4.2.1.9)."""

    is_ca: bool = False
    path_length: int | None = None


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """The names an issuer may certify (RFC 5280 §4.2.1.10); a kind that `permitted` lacks is unrestricted."""

    permitted: tuple[GeneralName, ...] = ()
    excluded: tuple[GeneralName, ...] = ()

    @property
    def kinds(self) -> set[int]:
        """The tags of the names that it limits."""
        return {base.kind for base in (*self.permitted, *self.excluded)}


@dataclass(frozen=True, slots=True)
class Policies:
    """The policy extensions (RFC 5280 §4.2.1.4, 5, 11 and 14), each policy as a dotted OID."""

    listed: frozenset[str] | None = None
    """None when there is no certificatePolicies."""
    mapped: tuple[tuple[str, str], ...] = ()
    """From the issuer's policy to the subject's."""
    require_explicit: int | None = None
    inhibit_mapping: int | None = None
    inhibit_any: int | None = None


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
    policies: Policies = Policies()
    critical: frozenset[str] = frozenset()
    """In dots."""
    unknown_critical: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    """Why every client refuses the certificate: a duplicate or broken extension."""
    doubtful: tuple[str, ...] = ()
    """The like in extensions that not every client reads: those refuse that do."""
    flaws: tuple[str, ...] = ()
    """What could not be read, one sentence each."""


@dataclass(slots=True)
class _Reader:
    found: dict[str, bytes]
    flaws: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)

    def read(self, oid: str, what: str, parse: Callable[[bytes], T], absent: T) -> T:
        """Parse the extension `oid`; when it is broken note that and take it for absent."""
        if oid not in self.found:
            return absent
        try:
            return parse(self.found[oid])
        except (ValueError, IndexError) as error:
            self.flaws.append(f"the extension {what} cannot be read: {error}")
            if oid not in UNREAD:
                self.blame(oid, self.flaws[-1])
            return absent

    def blame(self, oid: str, why: str) -> None:
        (self.invalid if oid in READ_BY_ALL else self.doubtful).append(why)


def read_extensions(listed: bytes) -> Extensions:
    """Read the content of `extensions [3]`; never raises."""
    found, critical, repeated, flaws = _collect(listed)
    reader = _Reader(found, flaws, list(flaws))
    for oid in repeated:
        reader.flaws.append(f"duplicate extension {oid}")
        reader.blame(oid, reader.flaws[-1])
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
        policies=_policies(reader),
        critical=frozenset(critical),
        unknown_critical=tuple(oid for oid in critical if oid not in PROCESSED),
        invalid=tuple(reader.invalid),
        doubtful=tuple(reader.doubtful),
        flaws=tuple(reader.flaws),
    )


def _policies(reader: _Reader) -> Policies:
    none: tuple[int | None, int | None] = (None, None)
    require, mapping = reader.read(POLICY_CONSTRAINTS, "policyConstraints", _policy_constraints, none)
    return Policies(
        reader.read(POLICIES, "certificatePolicies", _listed_policies, None),
        reader.read(POLICY_MAPPINGS, "policyMappings", _mapped_policies, ()),
        require,
        mapping,
        reader.read(INHIBIT_ANY_POLICY, "inhibitAnyPolicy", _skipped, None),
    )


def _listed_policies(value: bytes) -> frozenset[str] | None:
    found = [
        der.object_identifier(one.children()[0].content) for one in der.only(value, der.SEQUENCE).children()
    ]
    if not found or len(set(found)) < len(found):
        raise der.DERMalformed("no policy, or a duplicate one")
    return frozenset(found)


def _mapped_policies(value: bytes) -> tuple[tuple[str, str], ...]:
    pairs = [
        tuple(der.object_identifier(part.content) for part in one.children())
        for one in der.only(value, der.SEQUENCE).children()
    ]
    if not pairs or any(ANY_POLICY in pair for pair in pairs):
        raise der.DERMalformed("no mapping, or one of anyPolicy (RFC 5280 §4.2.1.5)")
    return tuple((issuer, subject) for issuer, subject in pairs)


def _policy_constraints(value: bytes) -> tuple[int | None, int | None]:
    parts = {part.tag: _count(part) for part in der.only(value, der.SEQUENCE).children()}
    if not parts or not parts.keys() <= {der.CONTEXT, der.CONTEXT | 1}:
        raise der.DERMalformed("neither requireExplicitPolicy nor inhibitPolicyMapping")
    return parts.get(der.CONTEXT), parts.get(der.CONTEXT | 1)


def _skipped(value: bytes) -> int | None:
    return _count(der.only(value, der.INTEGER))


def _count(element: der.Element) -> int:
    number = int.from_bytes(element.content, signed=True)
    if not element.content or number < 0:
        raise der.DERMalformed("a number of certificates below zero")
    return number


def _collect(listed: bytes) -> tuple[dict[str, bytes], list[str], list[str], list[str]]:
    """Return the value of each extension, which are critical, which are duplicates, and the flaws."""
    found: dict[str, bytes] = {}
    critical: list[str] = []
    repeated: list[str] = []
    flaws: list[str] = []
    try:
        for extension in der.only(listed, der.SEQUENCE).children():
            oid, *flag, value = extension.children()
            name = der.object_identifier(oid.content)
            if name in found:
                repeated.append(name)
            found.setdefault(name, value.content)
            if flag and flag[0].content != b"\x00":
                critical.append(name)
    except (ValueError, IndexError) as error:
        flaws.append(f"the list of extensions cannot be read: {error}")
    return found, critical, repeated, flaws


def _octets(value: bytes) -> bytes | None:
    return der.only(value, der.OCTET_STRING).content


def _basic(value: bytes) -> Basic:
    is_ca, path_length = False, None
    for child in der.only(value, der.SEQUENCE).children():
        if child.tag == der.BOOLEAN:
            is_ca = child.content != b"\x00"
        elif child.tag == der.INTEGER:
            path_length = _count(child)
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
    general: list[GeneralName] = []
    for child in der.only(value, der.SEQUENCE).children():
        general.append(_general_name(child))
        name = _site_name(child)
        if name is None:
            others.append(_text(child))
        elif name not in names:
            names.append(name)
    return AltNames(tuple(names), tuple(others), tuple(general))


def _site_name(general: der.Element) -> SiteName | None:
    if general.tag == IP_ADDRESS and len(general.content) in ADDRESS_OCTETS:
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
    return NameConstraints(trees.get(PERMITTED, ()), trees.get(EXCLUDED, ()))


def _tree(subtrees: der.Element) -> tuple[GeneralName, ...]:
    found = []
    for subtree in subtrees.children():
        base, *limits = subtree.children()
        if any(limit.content.strip(b"\0") or limit.tag != der.CONTEXT for limit in limits):
            raise der.DERMalformed("a minimum or maximum, which RFC 5280 §4.2.1.10 does not allow")
        found.append(_general_name(base))
        if base.tag == IP_ADDRESS:
            network(base.content)
        if base.tag == DIRECTORY_NAME:
            DirectoryName.read(found[-1].content)
    return tuple(found)


def _general_name(element: der.Element) -> GeneralName:
    # directoryName [4] is tagged explicitly, since Name is a CHOICE (X.680 §31.2.7).
    return GeneralName(element.tag, element.content)


def network(octets: bytes) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Read an address and its mask; raises `DERMalformed` when they are none."""
    half = len(octets) // 2
    mask = int.from_bytes(octets[half:])
    inverted = mask ^ ((1 << 8 * half) - 1)
    if len(octets) not in (8, 32) or inverted & (inverted + 1):
        raise der.DERMalformed("an IP constraint without an address and its mask")
    prefix = 8 * half - inverted.bit_length()
    return ipaddress.ip_network((octets[:half], prefix), strict=False)


def _text(element: der.Element) -> str:
    return element.content.decode("ascii", "backslashreplace")
