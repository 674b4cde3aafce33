"""Mozilla's Server Side TLS, editions 6.0 and 5.7, as data.

Read in the original: src/static/guidelines of mozilla/ssl-config-generator, which was archived on
2026-05-28, so that a newer edition is not expected.
"""

from dataclasses import dataclass
from datetime import date

from port443.core.grade.baseline import Source
from port443.core.grade.requirement import (
    Baseline,
    GroupsOnly,
    HSTSAtLeast,
    KeysOnly,
    Level,
    LivesAtMost,
    Requirement,
    SignaturesOnly,
    Stapled,
    SuiteOrder,
    SuitesOnly,
    Unseen,
    VersionsOnly,
    no_finding,
)
from port443.core.wire.versions import Version

HSTS_S = 63072000
RECOMMENDED_DAYS = 90
SUITES_13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
ECDHE_AEAD = frozenset(
    f"TLS_ECDHE_{key}_WITH_{cipher}"
    for key in ("ECDSA", "RSA")
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
)
DHE_AEAD = frozenset(
    f"TLS_DHE_RSA_WITH_{cipher}"
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
)
CBC_AND_RSA = frozenset(
    {
        *(
            f"TLS_ECDHE_{key}_WITH_AES_{cipher}"
            for key in ("ECDSA", "RSA")
            for cipher in ("128_CBC_SHA256", "128_CBC_SHA", "256_CBC_SHA384", "256_CBC_SHA")
        ),
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
        *(
            f"TLS_RSA_WITH_{cipher}"
            for cipher in (
                "AES_128_GCM_SHA256",
                "AES_256_GCM_SHA384",
                "AES_128_CBC_SHA256",
                "AES_256_CBC_SHA256",
                "AES_128_CBC_SHA",
                "AES_256_CBC_SHA",
                "3DES_EDE_CBC_SHA",
            )
        ),
    }
)
CURVES = frozenset({"x25519", "secp256r1", "secp384r1"})
HYBRID = frozenset({"X25519MLKEM768"})
ECDSA = frozenset({"ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512"})
RSA = frozenset({"sha256WithRSAEncryption"})
EC_KEYS = ("P-256", "P-384")
MODERN, SINCE_2008 = frozenset({Version.TLS_1_3}), frozenset({Version.TLS_1_2, Version.TLS_1_3})
SINCE_1999 = SINCE_2008 | {Version.TLS_1_0, Version.TLS_1_1}


@dataclass(frozen=True, slots=True)
class _Profile:
    """The fields of one configuration in which they differ."""

    versions: frozenset[Version]
    suites: frozenset[str]
    groups: frozenset[str]
    keys: tuple[str, ...]
    signatures: frozenset[str]
    days: int
    dh_bits: int | None
    server_order: bool = False


def _requirements(profile: _Profile) -> tuple[Requirement, ...]:
    order = "the server's own order" if profile.server_order else "the client's order"
    dh = no_finding("TLS-020") if profile.dh_bits == 2048 else Unseen("weaker than what any rule here allows")
    return (
        Requirement(
            "versions",
            f"These versions and no others: {', '.join(one.label for one in sorted(profile.versions))}",
            "tls_versions",
            VersionsOnly(profile.versions, profile.versions),
        ),
        Requirement(
            "suites", "No other suites than these", "ciphers", SuitesOnly(profile.suites | SUITES_13)
        ),
        Requirement("groups", "No other groups than these", "tls_curves", GroupsOnly(profile.groups)),
        Requirement(
            "keys", f"Keys of {' or '.join(profile.keys)}", "certificate_types", KeysOnly(profile.keys)
        ),
        Requirement(
            "signatures",
            "Certificates signed by these algorithms",
            "certificate_signatures",
            SignaturesOnly(profile.signatures),
        ),
        Requirement(
            "lifetime",
            f"Certificates live {profile.days} days at most",
            "maximum_certificate_lifespan",
            LivesAtMost(profile.days),
        ),
        Requirement(
            "short-lifetime",
            f"Certificates live {RECOMMENDED_DAYS} days",
            "recommended_certificate_lifespan",
            LivesAtMost(RECOMMENDED_DAYS),
            Level.SHOULD,
        ),
        Requirement("hsts", "HSTS for two years at least", "hsts_min_age", HSTSAtLeast(HSTS_S)),
        Requirement("staple", "An OCSP response is stapled", "ocsp_staple", Stapled()),
        Requirement(
            "order",
            f"Suites are chosen by {order}",
            "server_preferred_order",
            SuiteOrder(profile.server_order),
        ),
        *(
            (Requirement("dh", f"Diffie-Hellman with {profile.dh_bits} bits", "dh_param_size", dh),)
            if profile.dh_bits
            else ()
        ),
        Requirement(
            "trust",
            "The chain is trusted and names the host",
            "the tool's premise",
            no_finding("CERT-001", "CERT-002", "CERT-003", "CERT-004", "CERT-005", "CERT-007", "CERT-015"),
        ),
    )


def _edition(name: str, version: str, since: date, until: date | None, profile: _Profile) -> Baseline:
    address = f"https://ssl-config.mozilla.org/guidelines/{version}.json"
    return Baseline(
        f"mozilla-{name}",
        version,
        f"Mozilla Server Side TLS {version}, {name}",
        Source(f"guidelines/{version}.json of mozilla/ssl-config-generator", address),
        since,
        until,
        _requirements(profile),
    )


SINCE_5_7, SINCE_6_0 = date(2023, 5, 16), date(2026, 4, 6)
EC_AND_RSA, BOTH = (*EC_KEYS, "rsa 2048"), ECDSA | RSA
MOZILLA = (
    _edition(
        "modern",
        "6.0",
        SINCE_6_0,
        None,
        _Profile(MODERN, frozenset(), CURVES | HYBRID, EC_KEYS, ECDSA, 90, None),
    ),
    _edition(
        "intermediate",
        "6.0",
        SINCE_6_0,
        None,
        _Profile(SINCE_2008, ECDHE_AEAD, CURVES | HYBRID, EC_AND_RSA, BOTH, 366, 2048),
    ),
    _edition(
        "modern",
        "5.7",
        SINCE_5_7,
        SINCE_6_0,
        _Profile(MODERN, frozenset(), CURVES, EC_KEYS, ECDSA, 90, None),
    ),
    _edition(
        "intermediate",
        "5.7",
        SINCE_5_7,
        SINCE_6_0,
        _Profile(SINCE_2008, ECDHE_AEAD | DHE_AEAD, CURVES, EC_AND_RSA, BOTH, 366, 2048),
    ),
    _edition(
        "old",
        "5.7",
        SINCE_5_7,
        SINCE_6_0,
        _Profile(
            SINCE_1999,
            ECDHE_AEAD | DHE_AEAD | CBC_AND_RSA,
            CURVES,
            ("rsa 2048",),
            RSA,
            366,
            1024,
            server_order=True,
        ),
    ),
)
