"""Hellos, records and messages: what is written is read, and nothing else gets through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from port443.core.names import HostName, IPName
from port443.core.probe.hellos import ENTROPY, Offer, build
from port443.core.wire import messages, ssl2
from port443.core.wire.alerts import ALERTS, Alert
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import (
    Extension,
    ExtensionType,
    encode_extensions,
    find,
    parse_extensions,
    read_alpn,
    read_server_key_share,
)
from port443.core.wire.reading import Malformed, Reader, numbers, vector
from port443.core.wire.records import ContentType, Message, MessageBuffer, Record, RecordBuffer, records
from port443.core.wire.server_hello import RETRY_RANDOM, ServerHello
from port443.core.wire.versions import Version

u16 = st.integers(0, 0xFFFF)
extensions = st.lists(
    st.builds(Extension, u16, st.binary(max_size=40)), max_size=8, unique_by=lambda extension: extension.kind
).map(tuple)
client_hellos = st.builds(
    ClientHello,
    u16,
    st.binary(min_size=32, max_size=32),
    st.lists(u16, max_size=400).map(tuple),
    st.binary(max_size=32),
    st.lists(st.integers(0, 255), max_size=4).map(tuple),
    st.none() | extensions,
)
server_hellos = st.builds(
    ServerHello,
    u16,
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=32),
    u16,
    st.integers(0, 255),
    st.none() | extensions,
)


@given(client_hellos)
def test_a_client_hello_is_read_as_it_was_written(hello: ClientHello) -> None:
    """Parsing undoes building."""
    assert ClientHello.parse(hello.message()) == hello


@given(server_hellos)
def test_a_server_hello_is_read_as_it_was_written(hello: ServerHello) -> None:
    """Parsing undoes building."""
    assert ServerHello.parse(hello.message()[4:]) == hello


@given(st.lists(st.tuples(st.sampled_from(ContentType), st.binary(max_size=300)), max_size=6), st.data())
def test_records_come_out_whole_however_they_are_cut(
    wanted: list[tuple[ContentType, bytes]], data: st.DataObject
) -> None:
    """Every cut of the stream gives the same records."""
    written = [Record(kind, 0x0303, content) for kind, content in wanted]
    octets = b"".join(record.encode() for record in written)
    cut = data.draw(st.integers(0, len(octets)))
    buffer = RecordBuffer()
    assert [*buffer.receive(octets[:cut]), *buffer.receive(octets[cut:])] == written


@given(
    st.lists(st.builds(Message, st.integers(0, 255), st.binary(max_size=200)), max_size=6), st.integers(1, 50)
)
def test_messages_come_out_whole_however_they_are_cut(written: list[Message], size: int) -> None:
    """Every way to spread messages over fragments gives the same messages."""
    octets = b"".join(message.encode() for message in written)
    buffer = MessageBuffer()
    found = [m for at in range(0, len(octets), size) for m in buffer.receive(octets[at : at + size])]
    assert found == written
    assert buffer.is_empty


def test_long_content_takes_several_records() -> None:
    """A record holds 2^14 bytes at most (RFC 8446 §5.1)."""
    found = list(RecordBuffer().receive(records(ContentType.HANDSHAKE, 0x0301, bytes(40000))))
    assert [len(record.fragment) for record in found] == [16384, 16384, 7232]


PARSERS: dict[str, Any] = {
    "client hello": ClientHello.parse,
    "server hello": ServerHello.parse,
    "certificate 1.2": messages.parse_certificate_12,
    "certificate 1.3": messages.parse_certificate_13,
    "encrypted extensions": messages.parse_encrypted_extensions,
    "certificate verify": messages.parse_certificate_verify,
    "ecdhe": lambda body: messages.parse_ecdhe(body, names_scheme=True),
    "dhe": lambda body: messages.parse_dhe(body, names_scheme=False),
    "request 1.2": lambda body: messages.parse_certificate_request_12(body, names_schemes=True),
    "request 1.3": messages.parse_certificate_request_13,
    "status": messages.parse_certificate_status,
    "extensions": lambda body: parse_extensions(body, "a test"),
    "alpn": read_alpn,
    "key share": read_server_key_share,
    "alert": Alert.parse,
    "ssl 2": ssl2.read_answer,
    "records": lambda octets: list(RecordBuffer().receive(octets)),
    "messages": lambda octets: list(MessageBuffer().receive(octets)),
}


@pytest.mark.parametrize("name", PARSERS)
@given(octets=st.binary(max_size=200))
def test_a_parser_refuses_in_one_way_only(name: str, octets: bytes) -> None:
    """Whatever comes, it is read or it is `Malformed`."""
    try:
        PARSERS[name](octets)
    except Malformed:
        return


@given(server_hellos)
def test_what_a_server_hello_means_is_read_or_refused(hello: ServerHello) -> None:
    """The properties that look into extensions refuse in the same way."""
    for read in ("version", "group", "public_key", "alpn"):
        try:
            getattr(hello, read)
        except Malformed:
            continue


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8))
def test_chains_of_both_versions_are_read(chain: list[bytes]) -> None:
    """The certificates come out as they went in."""
    old = vector(3, b"".join(vector(3, der) for der in chain))
    new = b"\x00" + vector(3, b"".join(vector(3, der) + vector(2, b"") for der in chain))
    assert [entry.der for entry in messages.parse_certificate_12(old)] == chain
    assert [entry.der for entry in messages.parse_certificate_13(new)] == chain


def test_a_chain_without_end_is_refused() -> None:
    """More than 64 certificates are no chain."""
    body = vector(3, vector(3, b"x") * 65)
    with pytest.raises(Malformed, match="more than 64"):
        messages.parse_certificate_12(body)


def test_the_same_extension_twice_is_refused() -> None:
    """RFC 8446 §4.2 allows one of each."""
    block = encode_extensions((Extension(5), Extension(5)))
    with pytest.raises(Malformed, match="twice"):
        parse_extensions(block[2:], "a test")


def test_a_retry_names_version_suite_and_group() -> None:
    """All three are read without any cryptography (RFC 8446 §4.1.4)."""
    chosen = (Extension(43, b"\x03\x04"), Extension(51, b"\x00\x17"))
    hello = ServerHello(0x0303, RETRY_RANDOM, b"", 0x1302, 0, chosen)
    assert (hello.is_retry, hello.version, hello.suite, hello.group, hello.public_key) == (
        True, 0x0304, 0x1302, 23, None,
    )  # fmt: skip


ENTROPY_BYTES = bytes(ENTROPY)


@pytest.mark.parametrize("version", [v for v in Version if v is not Version.SSL_2])
def test_every_version_has_a_hello_that_reads_back(version: Version) -> None:
    """SSL 3.0 has no extensions; TLS 1.3 hides behind 1.2; first records say TLS 1.0 at most."""
    offer = Offer(version, (0x1301, 0xC02F), share_groups=(29, 23, 4588))
    hello = build(offer, HostName.parse("Example.com"), ENTROPY_BYTES).hello
    assert ClientHello.parse(hello.message()) == hello
    assert hello.version == min(version, Version.TLS_1_2)
    assert (hello.extensions is None) == (version is Version.SSL_3)
    assert hello.encode()[1:3] == min(version, Version.TLS_1_0).to_bytes(2)
    if hello.extensions is not None:
        sent = find(hello.extensions, ExtensionType.SERVER_NAME)
        assert sent == b"\x00\x0e\x00\x00\x0bexample.com"


def test_an_address_is_not_sent_as_a_name() -> None:
    """RFC 6066 §3 forbids literal addresses there."""
    hello = build(Offer(Version.TLS_1_3, (0x1301,)), IPName.parse("::1"), ENTROPY_BYTES).hello
    assert find(hello.extensions or (), ExtensionType.SERVER_NAME) is None


def test_a_hello_without_keys_still_has_the_list() -> None:
    """An empty key_share asks for a retry; a missing one would be a fault (RFC 8446 §9.2)."""
    hello = build(Offer(Version.TLS_1_3, (0x1301,)), None, ENTROPY_BYTES).hello
    assert find(hello.extensions or (), ExtensionType.KEY_SHARE) == b"\x00\x00"


def test_the_answer_of_ssl_2_is_read() -> None:
    """Certificate and ciphers of a SERVER-HELLO; half of it waits, an alert of TLS is one."""
    body = (
        bytes((4, 0, 1)) + b"\x00\x02" + b"\x00\x04" + b"\x00\x03" + b"\x00\x10" + b"cert" + b"\x01\x00\x80"
    )
    whole = (0x8000 | len(body) + 16).to_bytes(2) + body + bytes(16)
    assert ssl2.read_answer(whole) == ssl2.SSL2ServerHello(b"cert", (0x010080,))
    assert ssl2.read_answer(whole[:-1]) is None
    assert ssl2.read_answer(b"\x15\x03\x01\x00\x02\x02\x46") == Alert(2, 70)
    with pytest.raises(Malformed):
        ssl2.read_answer(b"HTTP/1.1 400 Bad Request")


def test_the_hello_of_ssl_2_says_its_own_length() -> None:
    """Its header counts what follows."""
    hello = ssl2.client_hello(bytes(16))
    assert int.from_bytes(hello[:2]) == 0x8000 | len(hello) - 2


@given(st.integers(1, 3), st.binary(max_size=200))
def test_a_vector_is_read_back(size: int, content: bytes) -> None:
    """Length and content agree in every size of length."""
    reader = Reader(vector(size, content), "a test")
    assert reader.vector(size) == content
    reader.end()


@given(st.lists(u16, max_size=50).map(tuple))
def test_numbers_are_read_back(values: tuple[int, ...]) -> None:
    """A list of code points survives."""
    assert Reader(numbers(2, values), "a test").numbers(2) == values


def test_alerts_have_names_also_when_nobody_knows_them() -> None:
    """A name for each code point, and a warning that does not end the connection."""
    assert {Alert(2, code).name for code in ALERTS} == set(ALERTS.values())
    assert Alert(2, 199).name == "alert_199"
    assert [Alert(1, 90).ends_connection, Alert(1, 0).ends_connection] == [False, True]
