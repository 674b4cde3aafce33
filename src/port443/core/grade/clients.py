"""What the families of clients support in TLS 1.2 and 1.3, and what keeps one from a server.

As of 2026-11, and only what is certain of each family's own defaults. Sources: the hellos that Chrome,
Firefox and Safari send; OpenSSL 3 and GnuTLS 3 (`openssl ciphers`, `gnutls-cli --list`); crypto/tls of
Go; the default providers of rustls 0.23. Where versions of a family differ, it has what any of them supports.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from port443.core.grade.facts import ScanFacts
from port443.core.wire.groups import group_name, scheme_name
from port443.core.wire.versions import Version
from port443.core.x509.facts import RSASSA_PSS, KeyFacts

MODERN = (Version.TLS_1_3, Version.TLS_1_2)
AEAD_13 = frozenset({0x1301, 0x1302, 0x1303})
ECDHE_AEAD = frozenset({0xC02B, 0xC02C, 0xC02F, 0xC030, 0xCCA8, 0xCCA9})
ECDHE_RSA_CBC, ECDHE_ECDSA_CBC = frozenset({0xC013, 0xC014}), frozenset({0xC009, 0xC00A})
STATIC_RSA = frozenset({0x002F, 0x0035, 0x009C, 0x009D})
DHE = frozenset({0x0033, 0x0039, 0x009E, 0x009F, 0xCCAA})
CBC_SHA2 = frozenset({0x003C, 0x003D, 0x0067, 0x006B, 0xC023, 0xC024, 0xC027, 0xC028})
CCM = frozenset({0x1304, 0xC09C, 0xC09D, 0xC09E, 0xC09F, 0xC0AC, 0xC0AD})
ECDHE = AEAD_13 | ECDHE_AEAD | ECDHE_RSA_CBC | ECDHE_ECDSA_CBC
CURVES = frozenset({23, 24, 29, 4588})
FINITE_FIELDS = frozenset(range(256, 261))
RSA_AND_CURVES = frozenset({"rsa", "P-256", "P-384"})
RSA_SCHEMES = frozenset({0x0401, 0x0501, 0x0601, 0x0804, 0x0805, 0x0806})
SCHEMES = RSA_SCHEMES | {0x0403, 0x0503}


@dataclass(frozen=True, slots=True)
class Client:
    """One family, as it comes: suites, groups, and how the server may sign."""

    name: str
    suites: frozenset[int]
    groups: frozenset[int]
    keys: frozenset[str] | None
    """The kinds of the server's key; None for a family that takes any."""
    schemes: frozenset[int] | None = None
    """The signature schemes of handshakes, but for SHA-1; None for a family that takes any."""


BROWSERS = (
    Client("Chrome and Edge", ECDHE - ECDHE_ECDSA_CBC | STATIC_RSA, CURVES, RSA_AND_CURVES, SCHEMES),
    Client(
        "Firefox", ECDHE | STATIC_RSA, CURVES | {25, 256, 257}, RSA_AND_CURVES | {"P-521"}, SCHEMES | {0x0603}
    ),
    Client("Safari", ECDHE | STATIC_RSA, CURVES | {25}, RSA_AND_CURVES | {"P-521"}, SCHEMES | {0x0603}),
)
LIBRARIES = (
    Client(
        "OpenSSL", ECDHE | STATIC_RSA | DHE | CBC_SHA2, CURVES | {25, 30, 4587, 4589} | FINITE_FIELDS, None
    ),
    Client(
        "GnuTLS",
        ECDHE | STATIC_RSA | DHE | CCM,
        CURVES | {25, 30, 4587, 4589} | FINITE_FIELDS,
        RSA_AND_CURVES | {"P-521", "ed25519", "ed448", RSASSA_PSS},
    ),
    Client(
        "Go",
        ECDHE,
        CURVES | {25, 4587, 4589},
        RSA_AND_CURVES | {"P-521", "ed25519"},
        SCHEMES | {0x0603, 0x0807},
    ),
    Client(
        "rustls",
        AEAD_13 | ECDHE_AEAD,
        CURVES | {4587},
        RSA_AND_CURVES | {"P-521", "ed25519"},
        SCHEMES | {0x0603, 0x0807},
    ),
)


def kept_out(facts: ScanFacts, clients: Iterable[Client]) -> str:
    """Name the clients that can connect in no version that was seen, and why; empty when all can."""
    spoken = [version for version in MODERN if version in facts.server.offered]
    by_reason: dict[str, list[str]] = {}
    for client in clients:
        obstacles = [_obstacle(facts, version, client) for version in spoken]
        if spoken and all(obstacles):
            by_reason.setdefault(" and ".join(dict.fromkeys(obstacles)), []).append(client.name)
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def _obstacle(facts: ScanFacts, version: Version, client: Client) -> str:
    """Return what a client lacks in one version; empty when it can connect."""
    choices = facts.server.version(version).choices
    common = [choice.suite for choice in choices if choice.code in client.suites]
    if choices and not common:
        return f"can use none of the suites of {version.label}"
    keys = [chain.leaf.key for chain in facts.chains]
    fitting = [suite for suite in common if _has_key(keys, suite.authentication, client)]
    if common and not fitting:
        return f"can use no key of this kind ({', '.join(dict.fromkeys(map(str, keys)))})"
    if schemes := _strange_schemes(facts, version, client):
        return f"can use none of the signature schemes of {version.label} ({schemes})"
    looked_for = facts.server.groups_13 if version is Version.TLS_1_3 else facts.server.groups_12
    groups = {*looked_for.groups, *(choice.group for choice in choices if choice.group is not None)}
    free = any(suite.key_exchange not in {"ECDHE", "TLS 1.3"} for suite in fitting)
    if groups and not free and not groups & client.groups:
        return f"can use none of the groups of {version.label} ({', '.join(map(group_name, sorted(groups)))})"
    return ""


def _strange_schemes(facts: ScanFacts, version: Version, client: Client) -> str:
    """Name the schemes that the server signs with, when the client has none of them."""
    signed = facts.server.schemes
    known = signed.version is version and signed.complete.is_yes
    if not known or client.schemes is None or client.schemes & {*signed.schemes}:
        return ""
    return ", ".join(map(scheme_name, signed.schemes))


def _has_key(keys: list[KeyFacts], authentication: str, client: Client) -> bool:
    """Whether a served key fits both the suite and the client; a kind not known here fits."""
    if authentication in {"RSA", "ECDSA"}:
        wanted = {"rsa"} if authentication == "RSA" else {"ec", "ed25519", "ed448"}
        keys = [key for key in keys if key.kind in wanted or key.kind == "other"] or keys
    names = [_key_name(key) for key in keys]
    return not names or client.keys is None or any(one == "other" or one in client.keys for one in names)


def _key_name(key: KeyFacts) -> str:
    if key.kind == "ec":
        return key.curve or ""
    return RSASSA_PSS if key.algorithm == RSASSA_PSS else key.kind
