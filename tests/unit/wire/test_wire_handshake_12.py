"""A whole TLS 1.2 handshake against OpenSSL in memory: both Finished, every suite, and what breaks it."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import Made, leaf
from port443.core.probe.hellos import ENTROPY, Hello, build, handshake_offer
from port443.core.wire.flight import Stage
from port443.core.wire.key_share import SEED
from port443.core.wire.reader import FlightReader
from port443.core.wire.reading import Malformed
from port443.core.wire.records import RecordBuffer
from port443.core.wire.schedule_12 import prf
from port443.core.wire.suites import suite
from port443.core.wire.versions import Version

NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET, which the `ssl` module does not name
OPENSSL_NAMES = {
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
}


class MemoryServer:
    """OpenSSL's side of a handshake, without a socket."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_side=True)

    def answer(self, octets: bytes) -> bytes:
        self._in.write(octets)
        with suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self._out.read()


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext]:
    """One context for each kind of key; RSA's is made once, since that takes time."""
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    place = tmp_path_factory.mktemp("keys")
    made = {"ECDSA": leaf(), "RSA": leaf(key=rsa.generate_private_key(65537, 2048))}
    return {kind: context_of(place, kind, one) for kind, one in made.items()}


def context_of(place: Path, kind: str, made: Made) -> ssl.SSLContext:
    chain, key = place / f"{kind}.pem", place / f"{kind}.key"
    chain.write_bytes(made.pem)
    key.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def client() -> Hello:
    return build(handshake_offer(Version.TLS_1_2), None, bytes(range(256))[:ENTROPY])


def shake(context: ssl.SSLContext) -> tuple[FlightReader, MemoryServer]:
    """Shake hands to the end."""
    reader, server, last = up_to_the_last_word(context)
    reader.receive(last)
    return reader, server


def up_to_the_last_word(context: ssl.SSLContext) -> tuple[FlightReader, MemoryServer, bytes]:
    """Shake hands up to what the server says last, which is not read yet."""
    hello, server = client(), MemoryServer(context)
    reader = FlightReader(hello.hello)
    reader.receive(server.answer(hello.hello.encode()))
    assert reader.can_conclude
    return reader, server, server.answer(reader.conclude(bytes(range(SEED))))


@pytest.mark.parametrize("code", OPENSSL_NAMES, ids=OPENSSL_NAMES.get)
def test_every_suite_is_spoken_to_both_finished(contexts: dict[str, ssl.SSLContext], code: int) -> None:
    """The server calls the handshake whole, and so does the client."""
    context = contexts[suite(code).authentication]
    context.set_ciphers(OPENSSL_NAMES[code])
    reader, server = shake(context)
    assert reader.flight.stage is Stage.COMPLETE
    assert reader.flight.key_proved
    assert not reader.can_conclude
    assert (server.tls.version(), server.tls.selected_alpn_protocol()) == ("TLSv1.2", "h2")
    assert (server.tls.cipher() or ("",))[0] == OPENSSL_NAMES[code]


def test_the_farewell_closes_a_whole_handshake_without_an_error(contexts: dict[str, ssl.SSLContext]) -> None:
    """What a server reads after the handshake is the end, not a failure."""
    reader, server = shake(contexts["ECDSA"])
    server.answer(reader.farewell())
    assert server.tls.read(1) == b""


def test_a_server_without_the_extended_master_secret_is_spoken_to(
    contexts: dict[str, ssl.SSLContext],
) -> None:
    """RFC 7627 is offered, and the old master secret is used where it is not taken."""
    context = contexts["ECDSA"]
    before = context.options
    context.options = before | NO_EXTENDED_MASTER_SECRET
    reader, _ = shake(context)
    context.options = before
    assert reader.flight.stage is Stage.COMPLETE


def test_a_wish_for_a_client_certificate_is_answered_with_none(contexts: dict[str, ssl.SSLContext]) -> None:
    """An optional wish does not hinder the handshake."""
    context = contexts["ECDSA"]
    context.verify_mode = ssl.CERT_OPTIONAL
    reader, server = shake(context)
    context.verify_mode = ssl.CERT_NONE
    assert reader.flight.request is not None
    assert (reader.flight.stage, server.tls.getpeercert()) == (Stage.COMPLETE, None)


def test_a_demand_for_a_client_certificate_ends_in_an_alert(contexts: dict[str, ssl.SSLContext]) -> None:
    """Who must have one refuses who has none."""
    context = contexts["ECDSA"]
    context.verify_mode = ssl.CERT_REQUIRED
    hello, server = client(), MemoryServer(context)
    reader = FlightReader(hello.hello)
    reader.receive(server.answer(hello.hello.encode()))
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        server.answer(reader.conclude(bytes(SEED)))
    context.verify_mode = ssl.CERT_NONE


@settings(max_examples=60)
@given(st.data())
def test_no_changed_byte_of_the_last_word_is_believed(
    contexts: dict[str, ssl.SSLContext], data: st.DataObject
) -> None:
    """Ticket, change of keys and Finished come as they were sent, or the handshake is not whole."""
    reader, _, last = up_to_the_last_word(contexts["ECDSA"])
    changed = bytearray(last)
    # A record's version is not protected and says nothing (RFC 5246 §E.1).
    place = data.draw(st.sampled_from([at for at in range(len(last)) if at not in _versions(last)]))
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        stage = reader.receive(bytes(changed))
    except Malformed:
        return
    assert stage is not Stage.COMPLETE


def _versions(octets: bytes) -> set[int]:
    """Return where the versions of the records stand, and the one byte of a ChangeCipherSpec."""
    places: set[int] = set()
    at = 0
    for record in RecordBuffer().receive(octets):
        places |= {at + 1, at + 2}
        places |= {at + 5} if record.kind == 20 else set()
        at += len(record.encode())
    return places


def test_a_second_change_of_keys_is_refused(contexts: dict[str, ssl.SSLContext]) -> None:
    """Keys change once; more would set the count of records back."""
    reader, _, _ = up_to_the_last_word(contexts["ECDSA"])
    with pytest.raises(Malformed, match="twice"):
        reader.receive(b"\x14\x03\x03\x00\x01\x01" * 2)


def test_a_finished_in_clear_is_refused(contexts: dict[str, ssl.SSLContext]) -> None:
    """The last word counts under the new keys only."""
    reader, _, _ = up_to_the_last_word(contexts["ECDSA"])
    with pytest.raises(Malformed, match="out of its order"):
        reader.receive(b"\x16\x03\x03\x00\x10\x14\x00\x00\x0c" + bytes(12))


def test_nothing_but_a_whole_flight_of_tls_12_is_concluded() -> None:
    """Before the server has spoken there is nothing to bring to an end."""
    reader = FlightReader(client().hello)
    assert not reader.can_conclude
    with pytest.raises(Malformed, match="to complete"):
        reader.conclude(bytes(SEED))


def test_the_prf_is_that_of_the_published_vector() -> None:
    """The SHA-256 vector that the TLS working group's list has agreed on."""
    secret = bytes.fromhex("9bbe436ba940f017b17652849a71db35")
    seed = b"test label" + bytes.fromhex("a0ba9f936cda311827a6f796ffd5198c")
    begin = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
    assert prf("sha256", secret, seed, 100).hex().startswith(begin)
