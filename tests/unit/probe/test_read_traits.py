"""Traits that flights show by themselves, and the primes that servers share."""

from dataclasses import replace

import pytest

from port443.core.probe.facts import VersionFacts
from port443.core.probe.legacy import LegacySurvey, wide_query
from port443.core.probe.modern import ModernSurvey
from port443.core.probe.read_traits import read_traits
from port443.core.probe.verdict import YES, Standing
from port443.core.wire.extensions import Extension, ExtensionType
from port443.core.wire.finite_field import prime
from port443.core.wire.flight import Flight
from port443.core.wire.messages import SignedParameters
from port443.core.wire.reading import vector
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version

CBC, GCM = 0xC013, 0xC02F
ETM, NPN = ExtensionType.ENCRYPT_THEN_MAC, ExtensionType.NPN


def flight(suite: int, *extensions: Extension, number: int | None = None) -> Flight:
    hello = ServerHello(Version.TLS_1_2, bytes(32), b"", suite, 0, extensions)
    signed = None
    if number is not None:
        octets = number.to_bytes((number.bit_length() + 7) // 8)
        signed = SignedParameters(vector(2, octets), None, b"", number.bit_length(), None, b"")
    return Flight(hello=hello, signed=signed)


def traits(*flights: Flight) -> dict[str, tuple[Standing, str]]:
    base = replace(wide_query(Version.TLS_1_2).offer, suites=())
    survey = LegacySurvey(VersionFacts(Version.TLS_1_2, YES), flights, base)
    found = read_traits(ModernSurvey.unknown("silent"), (survey,))
    return {one.id: (one.verdict.standing, one.verdict.reason) for one in found}


def test_encrypt_then_mac_counts_for_block_ciphers_only() -> None:
    """One suite without it is enough for a no; AEAD needs none."""
    assert traits(flight(CBC, Extension(ETM)), flight(GCM))["encrypt_then_mac"][0] is Standing.YES
    assert traits(flight(CBC, Extension(ETM)), flight(CBC))["encrypt_then_mac"][0] is Standing.NO
    assert "encrypt_then_mac" not in traits(flight(GCM))


def test_the_protocols_of_npn_are_read() -> None:
    """A server names all of them; without the extension there are none."""
    assert traits(flight(GCM, Extension(NPN, b"\x06spdy/3\x02h2")))["npn"] == (Standing.YES, "spdy/3 h2")
    assert traits(flight(GCM))["npn"][0] is Standing.NO


@pytest.mark.parametrize("number", [1024, 2048])
def test_a_shared_prime_is_named_and_one_of_the_servers_own_is_not(number: int) -> None:
    """The weakest counts."""
    own = (1 << number) - 159
    assert traits(flight(0x9E, number=prime(257)))["dh_prime"] == (
        Standing.YES, "ffdhe3072 (RFC 7919), 3072 bits",
    )  # fmt: skip
    assert traits(flight(0x9E, number=own), flight(0x9E, number=prime(257)))["dh_prime"][0] is Standing.NO


def test_extensions_are_listed_once() -> None:
    """By their names, and by number where they have none here."""
    found = traits(flight(GCM, Extension(ETM), Extension(0x1234)), flight(GCM, Extension(ETM)))
    assert found["extensions"] == (Standing.YES, "encrypt_then_mac 0x1234")
