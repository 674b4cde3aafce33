"""Chains, right and wrong in every way, and what is said of them."""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from pki import NOW, Extension, Made, intermediate, leaf, root
from port443.core.x509.chain import HARMLESS, ChainFault, ChainVerdict, explain_chain
from port443.core.x509.facts import CertFacts
from port443.core.x509.path import MAX_SIGNATURES, PathSearch, TrustedRoots, arrange

ROOT = root()
OTHER_ROOT = root("Other root")
MIDDLE = intermediate(ROOT)
LEAF = leaf(MIDDLE)
LONG_AGO = NOW - timedelta(days=10)


def explained(sent: Sequence[Made], *roots: Made) -> ChainVerdict:
    trusted = TrustedRoots.of([made.facts for made in roots or (ROOT,)])
    return explain_chain([made.facts for made in sent], trusted, NOW)


def test_a_whole_chain_in_order_has_no_faults() -> None:
    """Leaf and intermediate lead to the root, and nothing is said against them."""
    verdict = explained([LEAF, MIDDLE])
    assert verdict.is_trusted
    assert verdict.notes == ()
    assert verdict.path == (LEAF.facts, MIDDLE.facts, ROOT.facts)
    assert verdict.not_after == LEAF.facts.not_after


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ([LEAF, MIDDLE, MIDDLE], ChainFault.DUPLICATE),
        ([LEAF, MIDDLE, ROOT], ChainFault.ROOT_SENT),
        ([LEAF, MIDDLE, intermediate(OTHER_ROOT, "Stranger")], ChainFault.UNRELATED),
        ([LEAF, LEAF, MIDDLE], ChainFault.DUPLICATE),
    ],
)
def test_what_is_sent_too_much_is_told_and_harmless(sent: list[Made], fault: ChainFault) -> None:
    """A duplicate, a root and a stranger in the chain are each named, and it is still believed."""
    verdict = explained(sent)
    assert verdict.faults == {fault}
    assert verdict.is_trusted


def test_disorder_is_told_and_overcome() -> None:
    """Intermediates sent the wrong way round are put in order (RFC 8446 §4.4.2)."""
    lower = intermediate(MIDDLE, "Lower")
    verdict = explained([leaf(lower), MIDDLE, lower])
    assert verdict.faults == {ChainFault.OUT_OF_ORDER}
    assert verdict.is_trusted
    assert not verdict.is_in_order


AIA = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            x509.oid.AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.test/middle.crt"),
        )
    ]
)


@pytest.mark.parametrize(
    ("extra", "fault"),
    [(((AIA, False),), ChainFault.INCOMPLETE), ((), ChainFault.UNKNOWN_ISSUER)],
    ids=["named by AIA", "named by nobody"],
)
def test_an_issuer_that_was_not_sent_is_named(extra: tuple[Extension, ...], fault: ChainFault) -> None:
    """The chain is incomplete where the leaf says where its issuer lies; else its CA is unknown."""
    verdict = explained([leaf(MIDDLE, extra=extra)])
    assert verdict.faults == {fault}
    assert verdict.missing_issuer == "CN=Intermediate"
    assert not verdict.is_trusted


def test_a_self_signed_leaf_is_told_from_an_untrusted_root() -> None:
    """A leaf on its own key is self-signed; a root nobody believes is an untrusted root."""
    assert explained([leaf()]).faults == {ChainFault.SELF_SIGNED}
    stranger = leaf(OTHER_ROOT)
    verdict = explained([stranger, OTHER_ROOT])
    assert verdict.faults == {ChainFault.UNTRUSTED_ROOT, ChainFault.ROOT_SENT}
    assert explained([stranger, OTHER_ROOT], OTHER_ROOT).is_trusted


def test_a_self_signed_leaf_that_is_believed_is_trusted() -> None:
    """Someone who puts a leaf among the roots believes it."""
    alone = leaf()
    assert explained([alone], alone).is_trusted


def test_each_expired_member_is_named() -> None:
    """The expiry of any certificate on the path is the expiry of the chain."""
    old = intermediate(ROOT, not_before=NOW - timedelta(days=20), not_after=LONG_AGO)
    verdict = explained([leaf(old), old])
    assert verdict.faults == {ChainFault.EXPIRED}
    assert [note.certificate for note in verdict.notes] == [old.facts]
    assert verdict.not_after == LONG_AGO


def test_a_leaf_of_tomorrow_is_not_yet_valid() -> None:
    assert explained([leaf(MIDDLE, not_before=NOW + timedelta(days=1)), MIDDLE]).faults == {
        ChainFault.NOT_YET_VALID
    }


def test_a_broken_signature_is_told_from_a_missing_issuer() -> None:
    """The issuer is there by name and key identifier, but its key did not sign."""
    octets = bytearray(LEAF.facts.der)
    octets[octets.index(b"a.test")] ^= 1
    damaged = CertFacts.from_der(bytes(octets))
    verdict = explain_chain([damaged, MIDDLE.facts], TrustedRoots.of([ROOT.facts]), NOW)
    assert ChainFault.SIGNATURE_BROKEN in verdict.faults
    namesake = intermediate(ROOT)  # the same name, another key: a new one of the same CA
    assert explained([LEAF, namesake]).faults == {ChainFault.INCOMPLETE}


def test_the_newer_of_two_intermediates_of_one_key_is_taken() -> None:
    """When an expired and a valid certificate of one CA are both sent, the path takes the valid one."""
    old = intermediate(ROOT, key=MIDDLE.key, not_before=NOW - timedelta(days=20), not_after=LONG_AGO)
    for sent in permutations([old, MIDDLE]):
        verdict = explained([LEAF, *sent])
        assert verdict.is_trusted
        assert verdict.path[1] == MIDDLE.facts


def test_a_cross_signed_root_leads_two_ways() -> None:
    """A client with the new root and one with only the old root both find their path."""
    crossed = make_crossed()
    for trusted in (ROOT, OTHER_ROOT):
        verdict = explained([LEAF, MIDDLE, crossed], trusted)
        assert verdict.is_trusted
        assert ChainFault.UNRELATED not in verdict.faults
    assert len(explained([LEAF, MIDDLE, crossed], ROOT).path) == 3
    assert len(explained([LEAF, MIDDLE, crossed], OTHER_ROOT).path) == 4


def make_crossed() -> Made:
    return intermediate(OTHER_ROOT, "Root", key=ROOT.key)


@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        ([leaf(fake := leaf(ROOT, "b.test")), fake], ChainFault.ISSUER_NOT_CA),
        (
            [leaf(low := intermediate(short := intermediate(ROOT, path_length=0), "Low")), low, short],
            ChainFault.PATH_TOO_LONG,
        ),
        ([leaf(ROOT, usage=ExtendedKeyUsageOID.CLIENT_AUTH)], ChainFault.USAGE_WRONG),
        (
            [leaf(ROOT, extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b""), True),))],
            ChainFault.UNKNOWN_CRITICAL,
        ),
    ],
)
def test_what_rfc_5280_forbids_on_a_path_is_not_trusted(sent: list[Made], fault: ChainFault) -> None:
    """An issuer that is no CA, a path too long, a wrong usage: each is named and not believed."""
    verdict = explained(sent)
    assert verdict.faults == {fault}
    assert not verdict.is_trusted


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("a.test", False),
        ("test", False),
        ("*.b.test", False),
        ("*.test", True),
        ("atest", True),
        ("a.example", True),
        ("b.secret.test", True),
        ("*.secret.test", True),
        ("10.1.2.3", False),
        ("11.1.2.3", True),
        ("::1", True),
    ],
)
def test_name_constraints_are_kept(name: str, *, refused: bool) -> None:
    """A CA constrained to .test and 10/8, without secret.test, signs for those alone."""
    constraints = x509.NameConstraints(
        [x509.DNSName("test"), x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))],
        [x509.DNSName("secret.test")],
    )
    narrow = intermediate(ROOT, extra=((constraints, True),))
    verdict = explained([leaf(narrow, name), narrow])
    assert verdict.faults == ({ChainFault.NAME_NOT_PERMITTED} if refused else frozenset())


def test_nothing_sent_is_a_fault_of_its_own() -> None:
    assert explained([]).faults == {ChainFault.EMPTY}


def test_a_hostile_chain_costs_a_bounded_number_of_signatures() -> None:
    """CAs of one name that all sign each other have a million paths; the search ends early."""
    parents = [root("Knot") for _ in range(8)]
    knot = [intermediate(by, "Knot", key=parent.key).facts for by, parent in permutations(parents, 2)]
    search = PathSearch(knot, TrustedRoots.of([ROOT.facts]), NOW)
    tried = list(search.paths((leaf(parents[0]).facts,)))
    assert search.signatures_left == 0
    assert len(tried) < MAX_SIGNATURES
    assert not explain_chain([leaf(parents[0]).facts, *knot], TrustedRoots.of([]), NOW).is_trusted


@given(st.permutations([MIDDLE, ROOT, OTHER_ROOT, make_crossed(), LEAF]))
def test_order_never_decides_whether_a_chain_is_believed(rest: list[Made]) -> None:
    """With the leaf first, any order of the others is believed, and says only harmless things."""
    assert explained([LEAF, *rest]).faults <= HARMLESS


@given(st.permutations([MIDDLE, ROOT, OTHER_ROOT, MIDDLE]))
def test_arranging_makes_the_chain_to_send(others: list[Made]) -> None:
    """Leaf, intermediate: without the root, without duplicates, in order."""
    arranged = arrange(LEAF.facts, [made.facts for made in others], NOW)
    assert arranged == (LEAF.facts, MIDDLE.facts)


def test_arranging_an_incomplete_chain_keeps_what_there_is() -> None:
    assert arrange(LEAF.facts, [OTHER_ROOT.facts], NOW) == (LEAF.facts,)
