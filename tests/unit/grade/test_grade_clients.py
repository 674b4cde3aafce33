"""Which clients can connect: suites, groups and kinds of key, and what it costs when browsers cannot."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from pki import Order, make
from port443.core.grade.baseline import Letter
from port443.core.grade.catalogue import RULES
from port443.core.grade.clients import BROWSERS, LIBRARIES, kept_out
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.probe.facts import Choice, GroupFacts, SchemeFacts, VersionFacts
from port443.core.probe.verdict import YES
from port443.core.wire.versions import Version
from port443.core.x509.chain import ChainFault
from port443.core.x509.facts import RSASSA_PSS, KeyFacts
from scan_facts import NAME, authority, chain_of, good, only, version, with_fault, with_version

TLS_1_3, TLS_1_2 = Version.TLS_1_3, Version.TLS_1_2
MODERN_13 = version(TLS_1_3, 0x1301, 0x1302)
ALL = {client.name for client in (*BROWSERS, *LIBRARIES)}


def in_groups(facts: ScanFacts, *groups: int) -> ScanFacts:
    offered = replace(facts.server, groups_13=GroupFacts(groups, YES), groups_12=GroupFacts(groups, YES))
    return replace(facts, server=offered)


def keyed(facts: ScanFacts, key: object) -> ScanFacts:
    made = make(Order("leaf", by=authority(), names=(NAME.text,), key=key))  # type: ignore[arg-type]
    return replace(facts, chains=(chain_of(made.facts),))


def of_pss_key() -> ScanFacts:
    made = make(Order("leaf", by=authority(), names=(NAME.text,), key=RSA))
    key = KeyFacts("rsa", 2048, algorithm=RSASSA_PSS)  # no key that can be made here has its own identifier
    return replace(only(version(TLS_1_2, 0xC02F)), chains=(chain_of(replace(made.facts, key=key)),))


def signed_with(facts: ScanFacts, of: Version, *schemes: int) -> ScanFacts:
    return replace(facts, server=replace(facts.server, schemes=SchemeFacts(of, schemes, YES)))


RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
P521 = ec.generate_private_key(ec.SECP521R1())
LEFT_OUT: dict[str, tuple[ScanFacts, set[str]]] = {
    "good": (good(), set()),
    "CCM_8": (only(version(TLS_1_3, 0x1305)), ALL),
    "CCM": (only(version(TLS_1_3, 0x1304)), ALL - {"GnuTLS"}),
    "x448": (
        in_groups(only(MODERN_13), 30),
        ALL - {"OpenSSL", "GnuTLS"},
    ),
    "ffdhe2048": (in_groups(only(MODERN_13), 256), ALL - {"Firefox", "OpenSSL", "GnuTLS"}),
    "ffdhe2048 and P-256": (in_groups(only(MODERN_13), 256, 23), set()),
    "Ed25519": (keyed(good(), ED25519), {"Chrome and Edge", "Firefox", "Safari"}),
    "P-521": (keyed(good(), P521), {"Chrome and Edge"}),
    "signatures of RSASSA-PSS keys": (
        signed_with(only(MODERN_13), TLS_1_3, 0x0809, 0x080A),
        ALL - {"OpenSSL", "GnuTLS"},
    ),
    "an RSASSA-PSS key": (of_pss_key(), ALL - {"OpenSSL", "GnuTLS"}),
    "SHA-224": (
        signed_with(only(version(TLS_1_2, 0xC02F)), TLS_1_2, 0x0301),
        ALL - {"OpenSSL", "GnuTLS"},
    ),
    "one usual scheme among others": (signed_with(only(MODERN_13), TLS_1_3, 0x0809, 0x0804), set()),
    "DHE": (
        keyed(only(VersionFacts(TLS_1_2, YES, (Choice(0x009F, prime_bits=2048),), YES)), RSA),
        ALL - {"OpenSSL", "GnuTLS"},
    ),
    "static RSA": (keyed(only(version(TLS_1_2, 0x009C)), RSA), {"Go", "rustls"}),
    "ECDSA with CBC": (only(version(TLS_1_2, 0xC009)), {"Chrome and Edge", "rustls"}),
    "CCM_8 beside TLS 1.2": (
        with_version(version(TLS_1_3, 0x1305)),
        set(),
    ),
    "TLS 1.1": (only(version(Version.TLS_1_1, 0xC009)), set()),
}


@pytest.mark.parametrize("what", LEFT_OUT)
def test_clients_that_cannot_connect_are_named(what: str) -> None:
    """Each family for its own reason; one that can connect in any version is not named."""
    facts, names = LEFT_OUT[what]
    said = kept_out(facts, (*BROWSERS, *LIBRARIES))
    assert {name for name in ALL if name in said} == names


@pytest.mark.parametrize("what", ["CCM_8", "x448", "ffdhe2048", "Ed25519", "P-521", "SHA-224", "DHE"])
def test_no_a_for_a_site_that_a_browser_cannot_open(what: str) -> None:
    """The letter is capped, and the finding says by what."""
    facts, _ = LEFT_OUT[what]
    judgement = judge(RULES, facts)
    found = grade(judgement, facts, SSL_LABS_2009R)
    assert found.letter is Letter.C
    assert "P443-TLS-027" in {cap.rule for cap in found.caps}


def test_signatures_that_clients_refuse_cost_as_much() -> None:
    """SHA-1 in TLS 1.2, and a key that may not sign where all suites want a signature."""
    sha1 = with_version(VersionFacts(TLS_1_2, YES, (Choice(0xC02F, scheme=0x0201),), YES))
    sha256 = with_version(VersionFacts(TLS_1_2, YES, (Choice(0xC02F, scheme=0x0401),), YES))
    usage = with_fault(ChainFault.KEY_MAY_NOT_SIGN)
    static = replace(usage, server=only(version(TLS_1_2, 0x009C)).server)
    for facts, rule, is_found in (
        (sha1, "P443-TLS-029", True),
        (sha256, "P443-TLS-029", False),
        (usage, "P443-CERT-019", True),
        (static, "P443-CERT-019", False),
    ):
        judgement = judge(RULES, facts)
        assert (rule in judgement.ids) == is_found
        assert (grade(judgement, facts, SSL_LABS_2009R).letter is Letter.C) == is_found
