"""The tables of code points: complete, without doubles, and agreeing with OpenSSL's."""

import re
import shutil
import subprocess

import pytest

from port443.core.wire.groups import CURVES_12, GROUPS, GROUPS_13, SCHEMES_12, SIGNATURE_SCHEMES, STRENGTH
from port443.core.wire.suite_names import suite_names
from port443.core.wire.suites import all_suites, suite, suites_13, suites_legacy
from port443.core.wire.versions import Version, version_label


def test_no_code_and_no_name_stands_twice() -> None:
    """Each line of the table has codes of its own."""
    names = suite_names()
    assert len(set(names.values())) == len(names)
    assert len(names) >= 365


def test_openssl_calls_its_suites_the_same() -> None:
    """Every suite of the OpenSSL here has the same code and name in our table."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    command = (program, "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs = {int(a + b, 16): name for a, b, name in re.findall(r"0x(..),0x(..) - (\S+)", listed)}
    assert len(theirs) > 100
    assert theirs.items() <= suite_names().items()


PROPERTIES = {
    0xC02F: ("ECDHE", "RSA", 128, "aead secret"),
    0xC009: ("ECDHE", "ECDSA", 128, "cbc secret"),
    0x0035: ("RSA", "RSA", 256, "cbc"),
    0x0004: ("RSA", "RSA", 128, "rc4"),
    0x0008: ("RSA", "RSA", 40, "cbc export short"),
    0x0009: ("RSA", "RSA", 56, "cbc short"),
    0x000A: ("RSA", "RSA", 112, "cbc short"),
    0x0007: ("RSA", "RSA", 128, "cbc short"),
    0x0062: ("RSA", "RSA", 56, "cbc export short"),
    0x0034: ("DH", "anon", 128, "cbc anonymous secret"),
    0xC018: ("ECDH", "anon", 128, "cbc anonymous secret"),
    0x003B: ("RSA", "RSA", 0, "null"),
    0xC0A3: ("DHE", "RSA", 256, "aead secret"),
    0xC0AA: ("DHE", "PSK", 128, "aead secret"),
    0xCCA9: ("ECDHE", "ECDSA", 256, "aead secret"),
    0xC01E: ("SRP", "RSA", 128, "cbc"),
    0xC100: ("GOSTR341112_256", "GOSTR341112_256", 256, ""),
    0x1302: ("TLS 1.3", "certificate", 256, "aead secret"),
    0x1305: ("TLS 1.3", "certificate", 128, "aead secret"),
    0xC0B4: ("TLS 1.3", "certificate", 0, "null secret"),
}


@pytest.mark.parametrize("code", PROPERTIES)
def test_a_name_says_what_its_suite_is(code: int) -> None:
    """Key exchange, authentication, strength and kind are read from the name."""
    exchange, authentication, bits, kinds = PROPERTIES[code]
    known = suite(code)
    assert (known.key_exchange, known.authentication, known.bits) == (exchange, authentication, bits)
    flags = {
        "aead": known.is_aead,
        "cbc": known.is_cbc,
        "rc4": known.is_rc4,
        "export": known.is_export,
        "anonymous": known.is_anonymous,
        "null": known.is_null,
        "short": known.has_64_bit_blocks,
        "secret": known.is_forward_secret,
    }
    assert {name for name, is_so in flags.items() if is_so} == set(kinds.split())


def test_an_unknown_suite_has_its_number_for_a_name() -> None:
    """What the table does not know is shown, not hidden."""
    assert suite(0xABCD).name == "0xABCD"


def test_old_and_new_suites_are_parted() -> None:
    """Together they are all, and no suite is offered on both sides."""
    assert set(suites_13()) | set(suites_legacy()) == set(all_suites())
    assert not set(suites_13()) & set(suites_legacy())
    assert suites_legacy()[0] in {0xC02C, 0xC030}


def test_every_offered_group_and_scheme_has_a_name() -> None:
    """And every curve and group a strength where one is counted."""
    assert set(GROUPS_13) | set(CURVES_12) <= set(GROUPS)
    assert set(SCHEMES_12) <= set(SIGNATURE_SCHEMES)
    assert set(GROUPS_13) | set(CURVES_12) <= set(STRENGTH)


def test_versions_are_written_as_people_do() -> None:
    """Known ones with their name, others with their number."""
    assert [version_label(v) for v in (Version.SSL_3, Version.TLS_1_3, 0x7F1C)] == [
        "SSL 3.0", "TLS 1.3", "0x7f1c",
    ]  # fmt: skip
