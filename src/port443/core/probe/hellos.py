"""The hellos that are sent: the offer of each, with the caller's random bytes."""

from dataclasses import dataclass, replace

from port443.core.names import HostName, SiteName
from port443.core.wire import extensions as ext
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.groups import (
    CURVES_12,
    SCHEMES_12,
    SCHEMES_13,
    SECP256R1,
    SECP384R1,
    SECP521R1,
    X25519,
    X25519MLKEM768,
    group_name,
)
from port443.core.wire.key_share import COMMON_GROUPS, SEED, USABLE_GROUPS, KeyShare, key_share
from port443.core.wire.messages import COMPRESSIONS
from port443.core.wire.reading import Malformed
from port443.core.wire.suites import RENEGOTIATION_SCSV
from port443.core.wire.versions import Version

ENTROPY = 64 + SEED
"""Random bytes that one hello takes: random, session id, key shares."""
HANDSHAKE_SUITES_13 = (0x1301, 0x1302, 0x1303)
HANDSHAKE_SUITES_12 = (0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8)
HANDSHAKE_GROUPS_12 = (X25519, SECP256R1, SECP384R1, SECP521R1)
DEFLATE = 1
DRAFTS = tuple(0x7F00 + number for number in range(28, 17, -1))
"""The drafts of TLS 1.3 that servers spoke (RFC 8446 §4.2.1)."""
FUTURE = 0x0305
GREASE = (0x1A1A, 0x2A2A, 0x3A3A, 0x4A4A, 0x5A5A)
"""Values that no registry will ever assign (RFC 8701)."""
BROWSER_SUITES = (
    0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x009D,
    0x002F, 0x0035,
)  # fmt: skip
BROWSER_GROUPS = (X25519MLKEM768, X25519, SECP256R1, SECP384R1)
BROWSER_SCHEMES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)


@dataclass(frozen=True, slots=True)
class Offer:
    """The content of one hello; `groups` empty means that none is named."""

    version: Version
    suites: tuple[int, ...]
    groups: tuple[int, ...] = ()
    share_groups: tuple[int, ...] = ()
    """Groups with a key share; TLS 1.3 only. An empty one makes the server name a group."""
    alpn: tuple[str, ...] = ()
    compression: bool = False
    """Offer DEFLATE as well, to see whether the server takes it."""
    plain: bool = False
    """Send no extension but those without which no handshake comes about."""
    schemes: tuple[int, ...] = ()
    """Signature schemes; empty means all that are known."""
    unnamed: bool = False
    """Send no server_name."""
    browser: bool = False
    """Send the extensions of a browser, with the values that mean nothing (RFC 8701), for TLS 1.3 and 1.2."""
    split: bool = False
    """Send the hello in two parts, which a large one needs on most paths."""
    survey: bool = False
    """Offer also what only a look is for: encrypt_then_mac and NPN, up to TLS 1.2."""
    drafts: bool = False
    """Offer the drafts of TLS 1.3 beside TLS 1.2."""
    newer: bool = False
    """Name a version that does not exist yet, up to TLS 1.2."""
    unsecured: bool = False
    """Do not ask for secure renegotiation, as clients before RFC 5746."""
    bare: bool = False
    """Send no extension at all, which only versions up to TLS 1.2 can do without."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A hello ready to be sent, with the private keys that belong to it."""

    hello: ClientHello
    shares: tuple[KeyShare, ...] = ()


def sni(name: SiteName | None) -> str | None:
    """Return the name to send; an IP address is never sent (RFC 6066 §3)."""
    return name.text if isinstance(name, HostName) else None


def build(offer: Offer, name: SiteName | None, entropy: bytes) -> Hello:
    """Write the hello of an offer from `ENTROPY` random bytes."""
    if len(entropy) != ENTROPY:
        raise ValueError(f"a hello takes {ENTROPY} random bytes")
    if offer.browser:
        return _browser(offer, name, entropy)
    if offer.version == Version.TLS_1_3:
        return _modern(offer, name, entropy)
    return Hello(_legacy(offer, name, entropy))


def _legacy(offer: Offer, name: SiteName | None, entropy: bytes) -> ClientHello:
    """Serialise a hello up to TLS 1.2; SSLv3 has no extensions.

    Each requests secure renegotiation, by a suite where there is no extension for it (RFC 5746 §3.3).
    """
    has_extensions = offer.version > Version.SSL_3 and not offer.bare
    by_suite = (offer.plain or not has_extensions) and not offer.unsecured
    return ClientHello(
        FUTURE if offer.newer else offer.version,
        entropy[:32],
        (*offer.suites, RENEGOTIATION_SCSV) if by_suite else offer.suites,
        compressions=(DEFLATE, 0) if offer.compression else (0,),
        extensions=_legacy_extensions(offer, name) if has_extensions else None,
    )


def _legacy_extensions(offer: Offer, name: SiteName | None) -> tuple[ext.Extension, ...]:
    found = [*_names(offer, name)] + ([] if offer.plain or offer.unsecured else [ext.renegotiation_info()])
    found += [ext.supported_groups(offer.groups or CURVES_12), ext.ec_point_formats()]
    if offer.version == Version.TLS_1_2:
        found.append(ext.signature_algorithms(offer.schemes or SCHEMES_12))
    bare = (ext.ExtensionType.EXTENDED_MASTER_SECRET, ext.ExtensionType.SESSION_TICKET)
    looked_for = (ext.ExtensionType.ENCRYPT_THEN_MAC, ext.ExtensionType.NPN)
    found += [ext.bare(kind) for kind in bare if not offer.plain]
    found += [ext.bare(kind) for kind in looked_for if offer.survey]
    return (*found, *((ext.supported_versions((*DRAFTS, Version.TLS_1_2)),) if offer.drafts else ()))


def _modern(offer: Offer, name: SiteName | None, entropy: bytes) -> Hello:
    shares = tuple(key_share(group, entropy[64:]) for group in offer.share_groups)
    extensions = (
        *_names(offer, name),
        ext.supported_groups(offer.groups or USABLE_GROUPS),
        ext.signature_algorithms(offer.schemes or SCHEMES_13),
        ext.supported_versions((Version.TLS_1_3,)),
        *(() if offer.plain else (ext.psk_key_exchange_modes(),)),
        ext.key_share(tuple((share.group, share.public) for share in shares)),
    )
    # A session id makes the answer look like TLS 1.2 to middleboxes (RFC 8446 §D.4).
    hello = ClientHello(
        Version.TLS_1_2, entropy[:32], offer.suites, session_id=entropy[32:64], extensions=extensions
    )
    return Hello(hello, shares)


def _names(offer: Offer, name: SiteName | None) -> list[ext.Extension]:
    sent = None if offer.unnamed else sni(name)
    found = [] if sent is None else [ext.server_name(sent)]
    found += [] if offer.plain else [ext.status_request()]
    return found + ([ext.alpn(offer.alpn)] if offer.alpn else [])


def browser_offer() -> Offer:
    """Return a hello as browsers send it: with a post-quantum key, so that it fills two packets."""
    return Offer(
        Version.TLS_1_3, BROWSER_SUITES, BROWSER_GROUPS, (X25519MLKEM768, X25519), ("h2", "http/1.1"),
        schemes=BROWSER_SCHEMES, browser=True,
    )  # fmt: skip


def _browser(offer: Offer, name: SiteName | None, entropy: bytes) -> Hello:
    """Serialise it with GREASE values among the real ones, which a server must ignore."""
    shares = tuple(key_share(group, entropy[64:]) for group in offer.share_groups)
    keys = ((GREASE[1], b"\x00"), *((share.group, share.public) for share in shares))
    bare = (ext.ExtensionType.EXTENDED_MASTER_SECRET, ext.ExtensionType.SESSION_TICKET)
    extensions = (
        ext.Extension(GREASE[2]),
        *_names(offer, name),
        ext.renegotiation_info(),
        ext.supported_groups((GREASE[1], *offer.groups)),
        ext.ec_point_formats(),
        *(ext.bare(kind) for kind in bare),
        ext.signature_algorithms(offer.schemes),
        ext.bare(ext.ExtensionType.SIGNED_CERTIFICATE_TIMESTAMP),
        ext.compress_certificate(tuple(COMPRESSIONS)),
        ext.key_share(keys),
        ext.psk_key_exchange_modes(),
        ext.supported_versions((GREASE[3], Version.TLS_1_3, Version.TLS_1_2)),
        ext.Extension(GREASE[4], b"\x00"),
    )
    suites = (GREASE[0], *offer.suites)
    hello = ClientHello(
        Version.TLS_1_2, entropy[:32], suites, session_id=entropy[32:64], extensions=extensions
    )
    return Hello(hello, shares)


def handshake_offer(version: Version) -> Offer:
    """Return the offer of a plain client that should succeed with any server."""
    both = ("h2", "http/1.1")
    if version == Version.TLS_1_3:
        return Offer(version, HANDSHAKE_SUITES_13, COMMON_GROUPS, (X25519, SECP256R1), both)
    return Offer(version, HANDSHAKE_SUITES_12, HANDSHAKE_GROUPS_12, alpn=both)


def frugal_offer() -> Offer:
    """Return the offer of a client that makes a thousand handshakes: one key share, no second hello.

    A hybrid group would need a second hello at a server that prefers it, and cost more than the rest.
    """
    return replace(handshake_offer(Version.TLS_1_3), groups=HANDSHAKE_GROUPS_12, share_groups=(X25519,))


def after_retry(first: Hello, offer: Offer, group: int | None, cookie: bytes | None, seed: bytes) -> Hello:
    """Serialise the second hello for a retry: the first one, with one key and the cookie."""
    shares = first.shares if group is None else (key_share(group, seed),)
    if group is not None and group not in (offer.groups or USABLE_GROUPS):
        raise Malformed(f"the server asks for {group_name(group)}, which was not offered")
    share = ext.key_share(tuple((share.group, share.public) for share in shares))
    kept = tuple(
        share if extension.kind == ext.ExtensionType.KEY_SHARE else extension
        for extension in first.hello.extensions or ()
    )
    if cookie is not None:
        kept += (ext.Extension(ext.ExtensionType.COOKIE, cookie),)
    hello = ClientHello(
        first.hello.version, first.hello.random, first.hello.suites, first.hello.session_id, extensions=kept
    )
    return Hello(hello, shares)
