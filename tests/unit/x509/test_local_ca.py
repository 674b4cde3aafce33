"""The local CA's roots and leaves, as values."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from pki import NOW
from port443.core.names import RESERVED_NETWORKS, IPName, SiteName, parse_site_name
from port443.core.x509.chain import explain_chain
from port443.core.x509.extensions import DNS_NAME, IP_ADDRESS, network
from port443.core.x509.facts import CertFacts
from port443.core.x509.local_ca import (
    LEAF_LIFETIME,
    Authority,
    LeafOrder,
    NameNotPermitted,
    make_root,
    sign_leaf,
)
from port443.core.x509.path import TrustedRoots
from reserved import reserved_names

ROOT_KEY = ec.generate_private_key(ec.SECP256R1())
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())
NARROW = Authority(make_root(ROOT_KEY, NOW, constrained=True), ROOT_KEY)
WIDE = Authority(make_root(ROOT_KEY, NOW, constrained=False), ROOT_KEY)


def names(*texts: str) -> tuple[SiteName, ...]:
    return tuple(parse_site_name(text) for text in texts)


def signed(by: Authority, *texts: str) -> CertFacts:
    return sign_leaf(by, LeafOrder(names(*texts), LEAF_KEY.public_key(), NOW))


def test_a_leaf_is_for_servers_and_ninety_days() -> None:
    """Ninety days from now, an hour backdated, serverAuth only, P-256, no CA."""
    leaf = signed(NARROW, "demo.localhost", "localhost", "127.0.0.1", "::1")
    assert leaf.names == names("demo.localhost", "localhost", "127.0.0.1", "::1")
    assert leaf.not_after - NOW == LEAF_LIFETIME == timedelta(days=90)
    assert NOW - leaf.not_before == timedelta(hours=1)
    assert (str(leaf.key), leaf.is_ca, leaf.common_name) == ("ECDSA P-256", False, "demo.localhost")
    assert leaf.extended_key_usages == frozenset({"server_auth"})
    assert leaf.key_usages == frozenset({"digital_signature"})
    assert leaf.authority_key_id == NARROW.root.subject_key_id
    assert leaf.flaws == ()


def test_a_root_lasts_ten_years_and_signs_leaves_only() -> None:
    root = NARROW.root
    assert timedelta(days=3650) < root.not_after - NOW < timedelta(days=3654)
    assert (root.is_ca, root.path_length, root.is_self_signed) == (True, 0, True)
    assert root.key_usages == frozenset({"key_cert_sign", "crl_sign"})


def test_the_constrained_root_names_what_it_may_sign() -> None:
    """The reserved suffixes and every private network, the same that settings go by."""
    constraints = NARROW.root.name_constraints
    assert constraints
    permitted = constraints.permitted
    assert {one.text for one in permitted if one.kind == DNS_NAME} == {
        "localhost",
        "test",
        "internal",
        "home.arpa",
    }
    assert tuple(network(one.content) for one in permitted if one.kind == IP_ADDRESS) == RESERVED_NETWORKS
    assert WIDE.root.name_constraints is None
    assert NARROW.root.subject != WIDE.root.subject


@pytest.mark.parametrize("name", ["a.example", "localhost.example", "8.8.8.8", "2001:db8::1", "*.com"])
def test_other_names_need_the_unconstrained_root(name: str) -> None:
    """A public name is refused by the constrained root, with the next step, and signed by the other."""
    with pytest.raises(NameNotPermitted, match="may not sign") as refused:
        signed(NARROW, "a.test", name)
    assert "issuer: local" in refused.value.hint
    assert signed(WIDE, name).names == names(name)


def test_without_a_host_name_the_subject_is_empty_and_the_names_critical() -> None:
    """RFC 5280 §4.2.1.6; and OpenSSL would hold an address in the common name for a host."""
    leaf = signed(NARROW, "127.0.0.1")
    assert leaf.subject == ""
    assert leaf.names == (IPName("127.0.0.1"),)


def test_a_long_first_name_is_no_common_name() -> None:
    long = ".".join(["x" * 40] * 2 + ["test"])
    assert signed(NARROW, long).subject == ""
    assert signed(NARROW, long, "a.test").common_name == "a.test"


def test_a_leaf_never_outlives_its_root() -> None:
    """Near the root's end, the leaf ends with it."""
    late = NARROW.root.not_after - timedelta(days=30)
    leaf = sign_leaf(NARROW, LeafOrder(names("a.test"), LEAF_KEY.public_key(), late))
    assert leaf.not_after == NARROW.root.not_after


def test_serial_numbers_differ() -> None:
    """By key, by time, by names; and they are positive with fewer than twenty octets."""
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    order = LeafOrder(names("a.test"), LEAF_KEY.public_key(), NOW)
    orders = [
        order,
        replace(order, key=other),
        replace(order, now=NOW + timedelta(seconds=1)),
        replace(order, names=names("b.test")),
    ]
    serials = {sign_leaf(NARROW, one).serial for one in orders}
    assert len(serials) == 4
    assert all(0 < serial < 1 << 159 for serial in serials)


@given(st.lists(reserved_names(), min_size=1, max_size=8, unique=True), st.booleans())
def test_every_leaf_of_reserved_names_is_believed(wanted: list[SiteName], narrow: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Whatever reserved names a site has, its leaf is covered, whole and trusted through its root."""
    authority = NARROW if narrow else WIDE
    leaf = sign_leaf(authority, LeafOrder(tuple(wanted), LEAF_KEY.public_key(), NOW))
    assert all(leaf.covers(name) for name in wanted)
    verdict = explain_chain([leaf], TrustedRoots.of([authority.root]), NOW)
    assert verdict.notes == ()
