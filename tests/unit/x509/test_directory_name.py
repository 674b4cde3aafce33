"""Names as real certificates have them: every string type, and what the standard does not allow in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.x509.directory_name import DirectoryName
from raw_x509 import (
    BMP,
    CN,
    DC,
    IA5,
    MAIL,
    ORG,
    PRINTABLE,
    TELETEX,
    UNIT,
    UNIVERSAL,
    UTF8,
    called,
    name,
    oid,
    raw_leaf,
    raw_root,
    seq,
    tlv,
)  # fmt: skip


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        *((PRINTABLE, f"a{char}b", f"a{char}b") for char in '*&_@!"#'),
        (PRINTABLE, "Gemäß", "Gemäß"),
        (TELETEX, "Gemäß", "Gemäß"),
        (TELETEX, "日本".encode(), "日本"),
        (IA5, b"caf\xe9", "café"),
        (BMP, "Łódź", "Łódź"),
        (UNIVERSAL, "Łódź", "Łódź"),
        (UTF8, b"caf\xe9", "café"),
    ],
)
def test_every_real_string_is_read(tag: int, value: str | bytes, text: str) -> None:
    """Subject and issuer are read whatever their string type holds, and the certificate with them."""
    authority = raw_root(name((ORG, tag, value)))
    found = raw_leaf(authority, "a.test", subject=name((ORG, tag, value), (CN, UTF8, "a.test"))).facts
    assert found.subject_name.values(ORG) == (text,)
    assert found.issuer_key == authority.facts.subject_key
    assert [str(one) for one in found.names] == ["a.test"]


def test_what_the_standard_does_not_allow_is_a_flaw() -> None:
    found = raw_leaf(None, "a.test", subject=name((ORG, PRINTABLE, "A&B *")))
    assert found.facts.flaws == ("the subject: PrintableString may not hold '&*', as in O=A&B *",)
    assert raw_leaf(None, "a.test").facts.flaws == ()


def test_string_type_case_and_white_space_do_not_matter() -> None:
    """RFC 5280 §7.1: names are compared as caseIgnoreMatch does."""
    one = DirectoryName.read(name((ORG, PRINTABLE, "Example  Org"), (CN, UTF8, "root")))
    other = DirectoryName.read(name((ORG, UTF8, "example org "), (CN, BMP, "ROOT")))
    assert one.key == other.key
    assert one.key != DirectoryName.read(name((CN, UTF8, "root"), (ORG, UTF8, "example org"))).key


def test_a_name_is_written_as_rfc_4514_has_it() -> None:
    parts = name(
        (DC, IA5, "test"), (UNIT, UTF8, ' #a+b,"c" '), (MAIL, IA5, "a@b.test"), ("2.5.4.45", 3, b"\0\1")
    )
    assert str(DirectoryName.read(parts)) == (
        '2.5.4.45=#03020001,1.2.840.113549.1.9.1=a@b.test,OU=\\ #a\\+b\\,\\"c\\"\\ ,DC=test'
    )


def test_several_attributes_of_one_part_are_a_set() -> None:
    pairs = [seq(oid(CN), tlv(UTF8, b"a")), seq(oid(ORG), tlv(UTF8, b"b"))]
    one, other = (DirectoryName.read(seq(tlv(0x31, *order))) for order in (pairs, pairs[::-1]))
    assert str(one) == "CN=a+O=b"
    assert one.key == other.key


@given(st.binary(max_size=60))
def test_noise_is_refused_or_read(noise: bytes) -> None:
    """A name never raises anything but a ValueError, which its certificate notes as a flaw."""
    try:
        DirectoryName.read(noise)
    except ValueError:
        return


def test_a_name_that_cannot_be_read_spoils_no_certificate() -> None:
    found = raw_leaf(raw_root(called("Root")), "a.test", subject=seq(tlv(0x31, b"\x01"))).facts
    assert found.subject == "(cannot be read)"
    assert any(flaw.startswith("the subject: it cannot be read") for flaw in found.flaws)
