"""A handshake without a socket: what is proved, what is refused, however the bytes come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from port443.core.probe.hellos import Offer
from port443.core.wire.alerts import Alert
from port443.core.wire.extensions import Extension, ExtensionType
from port443.core.wire.flight import Stage
from port443.core.wire.groups import X25519, X25519MLKEM768
from port443.core.wire.key_share import CIPHERTEXT, HYBRIDS, SEED, USABLE_GROUPS, key_share
from port443.core.wire.reader import MAX_FLIGHT, FlightReader
from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Message, records
from port443.core.wire.schedule import SUITES_13, Schedule
from port443.core.wire.server_hello import RETRY_RANDOM, ServerHello
from port443.core.wire.versions import Version
from tls_twin import Twin, certificate, client, key

HELLO = client()
RIGHT = Twin().flight(HELLO.hello.message())


def read(octets: bytes) -> FlightReader:
    reader = FlightReader(HELLO.hello, HELLO.shares)
    reader.receive(octets)
    return reader


@pytest.mark.parametrize("suite", [0x1301, 0x1302, 0x1303])
@pytest.mark.parametrize("fragment", [1, 40, 2**14])
def test_a_flight_is_read_and_its_key_proved(suite: int, fragment: int) -> None:
    """Chain, protocol and proof come out of every suite, in however small records it is sent."""
    twin = Twin(suite=suite, fragment=fragment)
    flight = read(twin.flight(HELLO.hello.message())).flight
    assert flight.stage is Stage.COMPLETE
    assert [entry.der for entry in flight.chain] == [certificate()]
    assert (flight.key_proved, flight.alpn, flight.group) == (True, "h2", X25519)


def test_a_certificate_of_somebody_elses_key_is_not_proved() -> None:
    """Who shows a leaf and signs with another key is seen through."""
    flight = read(Twin(signer=key(2)).flight(HELLO.hello.message())).flight
    assert flight.key_proved is False


def test_a_wrong_finished_is_refused() -> None:
    """A flight whose end does not fit its beginning was changed on the way."""
    with pytest.raises(Malformed, match="Finished"):
        read(Twin(finished_is_wrong=True).flight(HELLO.hello.message()))


@given(st.lists(st.integers(1, 900), max_size=20))
def test_the_cuts_between_reads_change_nothing(cuts: list[int]) -> None:
    """Bytes that come one by one, or all at once, are one flight."""
    octets = RIGHT
    reader = FlightReader(HELLO.hello, HELLO.shares)
    at = 0
    for cut in cuts:
        reader.receive(octets[at : at + cut])
        at += cut
    reader.receive(octets[at:])
    assert reader.flight.key_proved


@settings(max_examples=300)
@given(st.data())
def test_no_single_changed_byte_yields_a_complete_flight_with_another_chain(data: st.DataObject) -> None:
    """Whatever is changed on the way, either it is refused, or what was sent is what is seen."""
    octets = bytearray(RIGHT)
    octets[data.draw(st.integers(0, 2**16)) % len(octets)] ^= data.draw(st.integers(1, 255))
    reader = FlightReader(HELLO.hello, HELLO.shares)
    try:
        reader.receive(bytes(octets))
    except Malformed:
        return
    if reader.flight.stage is Stage.COMPLETE:
        assert [entry.der for entry in reader.flight.chain] == [certificate()]


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_any_bytes_are_read_or_refused(octets: bytes) -> None:
    """Nothing but `Malformed` comes out of bytes that nobody made."""
    for start in (b"", b"\x16\x03\x03", b"\x15\x03\x03\x00\x02", b"\x16\x03\x03\x00\x40\x02\x00\x00"):
        reader = FlightReader(HELLO.hello, HELLO.shares)
        try:
            reader.receive(start + octets)
        except Malformed:
            continue


def test_a_server_without_an_end_is_left() -> None:
    """So many bytes are read, and then no more."""
    reader = FlightReader(HELLO.hello, HELLO.shares)
    change = records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01")
    reader.receive(change * (MAX_FLIGHT // len(change)))
    with pytest.raises(Malformed, match="without completing its flight"):
        reader.receive(change)


def test_an_alert_ends_the_flight_and_keeps_its_name() -> None:
    """A refusal is a stage, not an error."""
    content = Alert(2, 70).encode()
    flight = read(records(ContentType.ALERT, Version.TLS_1_2, content)).flight
    assert (flight.stage, flight.alerts[-1].name) == (Stage.REFUSED, "protocol_version")


def test_a_warning_does_not_end_the_flight() -> None:
    """RFC 6066 §3 lets a server warn about a name and go on."""
    warning = records(ContentType.ALERT, Version.TLS_1_2, Alert(1, 112).encode())
    flight = read(warning + Twin().flight(HELLO.hello.message())).flight
    assert flight.stage is Stage.COMPLETE


CHOSEN_13 = (Extension(ExtensionType.SUPPORTED_VERSIONS, b"\x03\x04"),)
WRONG = {
    "another suite": (ServerHello(0x0303, b"r" * 32, b"", 0x009C, 0, ()), "which was not offered"),
    "no key": (ServerHello(0x0303, b"r" * 32, b"", 0x1301, 0, CHOSEN_13), "no key"),
    "an empty retry": (ServerHello(0x0303, RETRY_RANDOM, b"", 0x1301, 0, CHOSEN_13), "asks for nothing"),
    "a retry of TLS 1.2": (ServerHello(0x0303, RETRY_RANDOM, b"", 0x1301, 0, ()), "may not be there"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_choice_that_was_not_offered_is_refused(what: str) -> None:
    """A server cannot choose what no hello named."""
    hello, words = WRONG[what]
    with pytest.raises(Malformed, match=words):
        read(records(ContentType.HANDSHAKE, Version.TLS_1_2, hello.message()))


def test_messages_out_of_their_order_are_refused() -> None:
    """A ServerHello comes first, and nothing comes in its place."""
    finished = records(ContentType.HANDSHAKE, Version.TLS_1_2, Message(20, bytes(32)).encode())
    with pytest.raises(Malformed, match="in place of the ServerHello"):
        read(finished)


def test_the_farewell_ends_the_handshake_for_the_server_too() -> None:
    """After a whole flight it holds a change, the client's Finished and a close, each in its record."""
    reader = read(Twin().flight(HELLO.hello.message()))
    farewell = reader.farewell()
    assert farewell.startswith(records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01"))
    assert [farewell[6], farewell[6 + 5 + int.from_bytes(farewell[9:11])]] == [23, 23]


def test_the_key_schedule_is_that_of_rfc_8448() -> None:
    """The trace of RFC 8448 §3: from its shared secret to its server's handshake key."""
    shared = bytes.fromhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d")
    digest = bytes.fromhex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8")
    keys = Schedule(SUITES_13[0x1301], shared, digest).server_keys()
    assert keys.key.hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert keys.mask.hex() == "5d313eb2671276ee13000b30"
    assert "3f" not in repr(keys)


@pytest.mark.parametrize("group", [g for g in USABLE_GROUPS if g not in {*HYBRIDS, *CIPHERTEXT}])
def test_both_sides_of_a_group_share_one_secret(group: int) -> None:
    """Two shares of different seeds agree."""
    mine, theirs = key_share(group, b"a" * SEED), key_share(group, b"b" * SEED)
    assert mine.shared(theirs.public) == theirs.shared(mine.public)


@pytest.mark.parametrize("suite", SUITES_13)
@pytest.mark.parametrize("group", [4588, 4587, 4589, 513, 514, 31, 30, 256])
def test_every_kind_of_group_goes_with_every_suite(group: int, suite: int) -> None:
    """A hello with a key for the group is answered up to the proof of the leaf's key."""
    hello = client(Offer(Version.TLS_1_3, (suite,), share_groups=(group,)))
    reader = FlightReader(hello.hello, hello.shares)
    reader.receive(Twin(suite=suite, group=group).flight(hello.hello.message()))
    assert (reader.flight.stage, reader.flight.key_proved) == (Stage.COMPLETE, True)


def test_a_retry_for_a_group_that_was_not_offered_is_refused() -> None:
    """Such a retry could be followed for ever (RFC 8446 §4.2.8)."""
    hello = client(Offer(Version.TLS_1_3, (0x1301,), groups=(29,)))
    reader = FlightReader(hello.hello, hello.shares)
    retry = Twin(group=30).retry(hello.hello.message())
    with pytest.raises(Malformed, match="x448, which was not offered"):
        reader.receive(records(ContentType.HANDSHAKE, Version.TLS_1_2, retry))


def heard(*says: tuple[ContentType, bytes]) -> list[bytes]:
    """Speak over a whole handshake, and return what the server says."""
    reader = read(Twin(says=says).flight(HELLO.hello.message()))
    assert reader.speak(b"GET / HTTP/1.1")
    return list(reader.hear(b""))


def test_what_is_said_over_a_handshake_is_heard_up_to_its_end() -> None:
    """Tickets hold nothing to read, and what stands behind close_notify belongs to nobody."""
    ticket = (ContentType.HANDSHAKE, bytes((4, 0, 0, 14, *bytes(9), 0, 1, 97, 0, 0)))
    one, two, three = ((ContentType.APPLICATION_DATA, part) for part in (b"a", b"b", b"c"))
    assert b"".join(heard(ticket, one, ticket, two, (ContentType.ALERT, b"\x01\x00"), three)) == b"ab"


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (ContentType.ALERT, b"\x02\x74", "alert certificate_required"),
        (ContentType.HANDSHAKE, bytes((24, 0, 0, 1, 0)), "changes the connection"),
        (ContentType.HEARTBEAT, b"x", "came after the handshake"),
    ],
)
def test_what_cannot_be_followed_behind_a_handshake_is_refused(
    kind: ContentType, content: bytes, words: str
) -> None:
    """An alert is named; a change of keys and anything else is not followed."""
    with pytest.raises(Malformed, match=words):
        heard((kind, content))


def test_nothing_is_said_over_half_a_handshake() -> None:
    """Before the server's Finished there are no keys to speak under."""
    with pytest.raises(Malformed, match="there is no TLS"):
        read(RIGHT[:200]).speak(b"x")


def test_the_hybrid_group_joins_both_secrets() -> None:
    """ML-KEM's secret comes first, then that of x25519 (RFC 10024)."""
    from cryptography.hazmat.primitives.asymmetric import mlkem  # noqa: PLC0415

    mine, classical = key_share(X25519MLKEM768, b"a" * SEED), key_share(X25519, b"b" * SEED)
    public = mlkem.MLKEM768PublicKey.from_public_bytes(mine.public[:1184])
    secret, ciphertext = public.encapsulate()
    assert mine.shared(ciphertext + classical.public) == secret + classical.shared(mine.public[1184:])


@settings(deadline=None)  # a key of ffdhe8192 takes its time
@given(st.sampled_from(USABLE_GROUPS), st.binary(max_size=1200))
def test_a_peers_key_is_used_or_refused(group: int, peer: bytes) -> None:
    """No bytes in place of a public key lead to anything but `Malformed`, or a secret."""
    try:
        assert key_share(group, b"a" * SEED).shared(peer)
    except Malformed:
        return
