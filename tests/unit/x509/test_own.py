"""An operator's own certificate, in order and in every disorder."""

from datetime import datetime, timedelta
from pathlib import PurePath

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from pki import NOW, Made, intermediate, leaf, root
from port443.core.errors import CertificateError
from port443.core.names import SiteName, parse_site_name
from port443.core.x509.bounds import MAX_CHAIN
from port443.core.x509.facts import CertFacts, CertificateUnreadable
from port443.core.x509.keys import KeyUnfit, KeyUnreadable, pkcs8, read_key, read_pkcs8, spki_of
from port443.core.x509.own import (
    CertificateOutOfDate,
    ChainFileEmpty,
    ChainTooLarge,
    KeyDoesNotFit,
    NamesNotCovered,
    OwnChecked,
    OwnFiles,
    check_own,
)
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificate_pem, certificates_in

ROOT = root()
MIDDLE = intermediate(ROOT)
LEAF = leaf(MIDDLE, "a.test", "www.a.test")
NO_ROOTS = TrustedRoots.of(())


def names(*texts: str) -> tuple[SiteName, ...]:
    return tuple(map(parse_site_name, texts))


def checked(
    chain: list[Made], key: bytes = LEAF.key_pem, *, now: datetime = NOW, wanted: str = "a.test"
) -> OwnChecked:
    content = b"".join(made.pem for made in chain)
    files = OwnFiles(PurePath("/etc/a.pem"), content, PurePath("/etc/a.key"), key)
    return check_own(files, names(wanted), now, NO_ROOTS)


def test_a_whole_pair_is_taken_as_it_is() -> None:
    """Leaf and intermediate are sent, the key is kept as PKCS#8, and there is nothing to warn of."""
    found = checked([LEAF, MIDDLE])
    assert found.chain == (LEAF.facts, MIDDLE.facts)
    assert found.warnings == ()
    assert spki_of(read_pkcs8(found.key_pkcs8, "a")) == LEAF.facts.spki
    assert "key_pkcs8" not in repr(found)


@pytest.mark.parametrize(
    ("chain", "warning"),
    [
        ([MIDDLE, LEAF], "wrong order"),
        ([ROOT, MIDDLE, LEAF], "wrong order"),
        ([LEAF, MIDDLE, ROOT], None),
        ([LEAF, LEAF, MIDDLE, MIDDLE], None),
        ([LEAF, root("Stranger"), MIDDLE, ROOT], "does not link into the chain is not sent: CN=Stranger"),
        ([LEAF], "may be incomplete: the certificate of CN=Intermediate"),
    ],
)
def test_the_chain_is_put_in_order(chain: list[Made], warning: str | None) -> None:
    """Whatever the file holds, leaf and intermediates are sent in order, and what was odd is said."""
    found = checked(chain)
    assert found.chain == ((LEAF.facts, MIDDLE.facts) if MIDDLE in chain else (LEAF.facts,))
    assert len(found.warnings) == (1 if warning else 0)
    assert not warning or warning in found.warnings[0]


def test_a_leaf_straight_from_a_known_root_is_complete() -> None:
    """With the roots that clients have, a chain of one is no reason to warn."""
    alone = leaf(ROOT)
    files = OwnFiles(PurePath("a"), alone.pem, PurePath("k"), alone.key_pem)
    assert check_own(files, names("a.test"), NOW, TrustedRoots.of([ROOT.facts])).warnings == ()
    assert check_own(files, names("a.test"), NOW, NO_ROOTS).warnings != ()


def test_a_self_signed_certificate_is_complete() -> None:
    alone = leaf()
    assert checked([alone], alone.key_pem).chain == (alone.facts,)


def test_of_two_certificates_of_one_key_the_current_one_is_taken() -> None:
    """An old certificate left in the file, before or after the new one, does no harm."""
    old = leaf(MIDDLE, key=LEAF.key, not_before=NOW - timedelta(days=99), not_after=NOW - timedelta(days=9))
    for chain in ([old, LEAF, MIDDLE], [LEAF, old, MIDDLE]):
        assert checked(chain).chain == (LEAF.facts, MIDDLE.facts)


@pytest.mark.parametrize(
    ("chain", "key", "error"),
    [
        ([], LEAF.key_pem, ChainFileEmpty),
        ([MIDDLE], LEAF.key_pem, KeyDoesNotFit),
        ([LEAF], b"no key", KeyUnreadable),
        ([LEAF], LEAF.pem, KeyUnreadable),
    ],
)
def test_a_pair_that_is_none_is_refused(chain: list[Made], key: bytes, error: type[CertificateError]) -> None:
    """No certificate, the key of another, no key: each is its own error that names the file."""
    with pytest.raises(error, match=r"/etc/a\.(pem|key)"):
        checked(chain, key)


def test_a_name_that_is_not_covered_is_refused() -> None:
    """The error says which name is missing and which there are."""
    with pytest.raises(NamesNotCovered, match=r"not good for b\.test; it is for a\.test, www\.a\.test"):
        checked([LEAF, MIDDLE], wanted="b.test")


@pytest.mark.parametrize(("now", "word"), [(timedelta(days=90), "ended"), (timedelta(days=-2), "begins")])
def test_a_certificate_out_of_its_dates_is_refused(now: timedelta, word: str) -> None:
    with pytest.raises(CertificateOutOfDate, match=word):
        checked([LEAF, MIDDLE], now=NOW + now)


def chain_of(count: int, **changes: object) -> list[Made]:
    """Make a chain with so many intermediates, leaf first, without its root."""
    above = ROOT
    middles: list[Made] = []
    for number in range(count):
        above = intermediate(above, f"Intermediate {number}")
        middles.insert(0, above)
    return [leaf(above, **changes), *middles]


def test_a_gap_in_the_chain_is_named() -> None:
    """What stands above the missing certificate cannot be sent; the warning says where one is missing."""
    own, two, _, nought = chain_of(3)
    found = checked([own, two, nought, ROOT], own.key_pem)
    assert found.chain == (own.facts, two.facts)
    (warning,) = found.warnings
    assert "not sent: CN=Intermediate 0, CN=Root; " in warning
    assert "one is missing between CN=Intermediate 2 and CN=Intermediate 0: CN=Intermediate 1" in warning


def test_an_old_leaf_and_a_root_are_left_out_in_silence() -> None:
    old = leaf(MIDDLE, key=LEAF.key, not_before=NOW - timedelta(days=99), not_after=NOW - timedelta(days=9))
    assert checked([LEAF, MIDDLE, ROOT, old]).warnings == ()


def test_the_longest_chain_is_sent_whole_and_a_longer_one_refused() -> None:
    """The contract holds what is taken here, and a longer chain is a matter of its site alone."""
    long = chain_of(MAX_CHAIN)
    longest = [leaf(long[2], "a.test"), *long[2:]]
    assert len(checked([*longest, ROOT], longest[0].key_pem).chain) == MAX_CHAIN
    with pytest.raises(ChainTooLarge, match=r"/etc/a\.pem has more than 100 certificates"):
        checked([*long, ROOT], long[0].key_pem)


def test_a_certificate_that_the_contract_cannot_hold_is_refused() -> None:
    many = leaf(MIDDLE, "a.test", *(f"{'x' * 60}{number}.test" for number in range(1000)))
    with pytest.raises(ChainTooLarge, match="bytes; 65536 is the most"):
        checked([many, MIDDLE], many.key_pem)


@pytest.mark.parametrize("in_file", [True, False])
def test_intermediates_are_counted_with_and_without_the_root(in_file: bool) -> None:  # noqa: FBT001
    """Six are taken by webpki, whether or not the root is known."""
    end = [ROOT] if in_file else []
    six, seven = chain_of(6), chain_of(7)
    assert checked([*six, *end], six[0].key_pem).warnings == ()
    (warning,) = checked([*seven, *end], seven[0].key_pem).warnings
    assert "there are 7 intermediates; webpki (rustls) accepts 6" in warning


def test_must_staple_is_warned_of() -> None:
    demands = x509.TLSFeature([x509.TLSFeatureType.status_request])
    own = leaf(MIDDLE, extra=((demands, False),))
    (warning,) = checked([own, MIDDLE], own.key_pem).warnings
    assert "demands a stapled OCSP response" in warning


def test_an_end_that_is_near_is_warned_of() -> None:
    """Two weeks ahead of the first end in the chain, be it the intermediate's."""
    assert checked([LEAF, MIDDLE], now=LEAF.facts.not_after - timedelta(days=13)).warnings
    short = intermediate(ROOT, not_after=NOW + timedelta(days=3))
    own = leaf(short)
    (warning,) = checked([own, short], own.key_pem).warnings
    assert "it ends 2026-03-04" in warning


def test_an_intermediate_that_has_ended_is_warned_of() -> None:
    old = intermediate(ROOT, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=2))
    own = leaf(old)
    (warning,) = checked([own, old], own.key_pem).warnings
    assert "the intermediate CN=Intermediate ended" in warning


@pytest.mark.parametrize(
    "key", [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)]
)
def test_other_good_kinds_of_keys_are_taken(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    own = leaf(MIDDLE, key=key)
    assert checked([own, MIDDLE], own.key_pem).chain[0] == own.facts


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519, which browsers"),
        (ec.generate_private_key(ec.SECP521R1()), "P-521, which Chrome and Edge"),
    ],
    ids=["Ed25519", "P-521"],
)
def test_a_key_that_browsers_do_not_take_is_warned_of(
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey, told: str
) -> None:
    own = leaf(MIDDLE, key=key)
    (warning,) = checked([own, MIDDLE], own.key_pem).warnings
    assert told in warning


@pytest.mark.parametrize(
    "key",
    [rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256K1())],  # noqa: S505 - weak on purpose
    ids=["RSA 1024", "secp256k1"],
)
def test_a_weak_or_strange_key_is_refused(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    own = leaf(MIDDLE, key=key)
    with pytest.raises(KeyUnfit):
        checked([own, MIDDLE], own.key_pem)


def test_an_encrypted_key_is_told_with_the_way_out() -> None:
    """Nobody is there to type a password when a server starts at night."""
    secret = BestAvailableEncryption(b"secret")
    encrypted = LEAF.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    with pytest.raises(KeyUnreadable, match="encrypted") as refused:
        checked([LEAF], encrypted)
    assert "openssl pkey" in refused.value.hint


def test_what_is_no_key_inside_a_store_is_told() -> None:
    with pytest.raises(KeyUnreadable, match=r"site/a\.test"):
        read_pkcs8(b"noise", "site/a.test")


def test_a_key_survives_the_way_through_pkcs8() -> None:
    (key,) = read_key(LEAF.key_pem, PurePath("k"))
    assert spki_of(read_pkcs8(pkcs8(key), "k")) == spki_of(key)


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_pem_comes_back_as_it_went(contents: list[bytes]) -> None:
    """Whatever octets are written as certificates are read again, in order."""
    assert certificates_in(certificate_pem(contents)) == tuple(contents)


@given(st.binary(max_size=300))
def test_noise_in_a_pem_file_is_no_certificate(noise: bytes) -> None:
    framed = b"-----BEGIN CERTIFICATE-----\n" + noise + b"\n-----END CERTIFICATE-----\n"
    assert certificates_in(noise) == ()
    try:
        found = certificates_in(framed)
    except CertificateUnreadable:
        return
    for octets in found:
        with pytest.raises(CertificateUnreadable):
            CertFacts.from_der(octets)


def test_a_chain_that_is_half_copied_is_no_chain() -> None:
    """Behind a whole leaf the intermediate would be left out, and clients would miss it."""
    cut = leaf(MIDDLE).pem + MIDDLE.pem[:300]
    with pytest.raises(CertificateUnreadable, match="certificate 2 is cut off"):
        certificates_in(cut)


def test_a_file_with_a_key_and_text_around_gives_its_certificates() -> None:
    """What `openssl s_client` or a CA's mail puts around them is passed over."""
    content = (
        b"subject=/CN=a.test\n" + LEAF.key_pem + LEAF.pem.replace(b"\n", b"\r\n") + b"\n-- \n" + MIDDLE.pem
    )
    assert certificates_in(content) == (LEAF.facts.der, MIDDLE.facts.der)
