"""Whole handshakes of every age, and their resumption, against OpenSSL in memory."""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pki import leaf
from port443.core.probe.hellos import ENTROPY, Offer, build
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.key_share import SEED, KeyShare
from port443.core.wire.reader import FlightReader
from port443.core.wire.reading import Malformed
from port443.core.wire.schedule_12 import is_endable
from port443.core.wire.session import Session, resuming, with_ticket_wish
from port443.core.wire.suites import suites_legacy
from port443.core.wire.versions import Version
from tls_twin import OFFER

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
SUITES = {
    "ECDHE-RSA-AES128-GCM-SHA256": 0xC02F,
    "ECDHE-RSA-AES128-SHA256": 0xC027,
    "ECDHE-RSA-AES256-SHA384": 0xC028,
    "ECDHE-RSA-AES128-SHA": 0xC013,
    "AES256-SHA256": 0x003D,
    "AES128-SHA": 0x002F,
    "AES256-GCM-SHA384": 0x009D,
}
OLD = ("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES256-SHA")
VERSIONS = {
    Version.TLS_1_2: ssl.TLSVersion.TLSv1_2,
    Version.TLS_1_1: ssl.TLSVersion.TLSv1_1,
    Version.TLS_1_0: ssl.TLSVersion.TLSv1,
}
ANSWER = b"pong"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of an RSA key and the key."""
    place = tmp_path_factory.mktemp("rsa")
    made = leaf(key=rsa.generate_private_key(65537, 2048))
    (place / "chain.pem").write_bytes(made.pem)
    key = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (place / "key.pem").write_bytes(key)
    return place / "chain.pem", place / "key.pem"


def context_of(files: tuple[Path, Path], version: Version, ciphers: str | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    context.set_ciphers(f"{ciphers or 'DEFAULT'}:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = VERSIONS.get(version, ssl.TLSVersion.TLSv1_3)
    return context


@dataclass
class Talk:
    """A client's handshake with OpenSSL, to its end."""

    context: ssl.SSLContext
    hello: ClientHello
    shares: tuple[KeyShare, ...] = ()
    session: Session | None = None
    reader: FlightReader = field(init=False)

    def __post_init__(self) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server = self.context.wrap_bio(self._in, self._out, server_side=True)
        self.reader = FlightReader(self.hello, self.shares, self.session)
        self.reader.receive(self.answer(self.hello.encode()))
        if self.reader.can_conclude:
            self.reader.receive(self.answer(self.reader.conclude(bytes(range(SEED)))))

    @property
    def flight(self) -> Flight:
        return self.reader.flight

    def answer(self, octets: bytes) -> bytes:
        self._in.write(octets)
        with suppress(ssl.SSLWantReadError):
            self.server.do_handshake()
        return self._out.read()

    def leave(self) -> "Talk":
        """Say what is left to say and goodbye, which a server keeps a session for."""
        self.answer(self.reader.farewell())
        with suppress(ssl.SSLError):
            self.server.read(1)
            self.server.unwrap()
        return self


def old_hello(
    version: Version, codes: tuple[int, ...], *, ticket: bool = True, number: int = 0
) -> ClientHello:
    made = build(Offer(version, codes), None, bytes(range(number, number + 256 - 64))[:ENTROPY])
    return with_ticket_wish(made.hello, wants=ticket)


@pytest.mark.parametrize("name", SUITES)
def test_suites_of_all_kinds_come_to_their_end_in_tls_12(files: tuple[Path, Path], name: str) -> None:
    """With blocks and a MAC as with AEAD, and with a secret that the certificate's key decrypts."""
    talk = Talk(context_of(files, Version.TLS_1_2, name), old_hello(Version.TLS_1_2, (SUITES[name],)))
    assert talk.flight.stage is Stage.COMPLETE
    assert (talk.server.cipher() or ("",))[0] == name
    talk.leave()


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("version", [Version.TLS_1_1, Version.TLS_1_0], ids=["1.1", "1.0"])
def test_older_versions_come_to_their_end(files: tuple[Path, Path], version: Version, name: str) -> None:
    """With MD5 and SHA-1 side by side, and the IV of 1.0."""
    codes = {"AES128-SHA": 0x2F, "AES256-SHA": 0x35, "ECDHE-RSA-AES256-SHA": 0xC014}
    talk = Talk(context_of(files, version, name), old_hello(version, (codes[name],)))
    assert talk.flight.stage is Stage.COMPLETE
    assert talk.server.version() == {Version.TLS_1_1: "TLSv1.1", Version.TLS_1_0: "TLSv1"}[version]


def test_what_cannot_be_ended_is_known_before() -> None:
    """Export, RC4, anonymous and PSK suites are none of those."""
    ended = [code for code in suites_legacy() if is_endable(code)]
    assert {0xC02F, 0x002F, 0x000A, 0x0033, 0x0039} <= set(ended)
    assert not {0x0005, 0x0003, 0x0034, 0x00AE, 0xC018, 0x0000} & set(ended)


@pytest.mark.parametrize("by_ticket", [True, False], ids=["ticket", "id"])
@pytest.mark.parametrize("version", [Version.TLS_1_2, Version.TLS_1_0], ids=["1.2", "1.0"])
def test_a_session_is_resumed(files: tuple[Path, Path], version: Version, *, by_ticket: bool) -> None:
    """No certificate comes the second time, and both sides have the same keys."""
    context = context_of(files, version, "AES128-SHA")
    first = Talk(context, old_hello(version, (0x2F,), ticket=by_ticket)).leave()
    (session,) = first.flight.sessions
    assert bool(session.ticket) == by_ticket
    hello = resuming(old_hello(version, (0x2F,), number=7), session)
    second = Talk(context, hello, session=session)
    assert (second.flight.stage, second.flight.is_resumed, second.flight.chain) == (Stage.COMPLETE, True, ())
    second.leave()
    assert second.server.session_reused


def test_a_server_that_does_not_know_the_session_makes_a_new_one(files: tuple[Path, Path]) -> None:
    """Another process has other ticket keys."""
    hello = old_hello(Version.TLS_1_2, (0xC02F,))
    first = Talk(context_of(files, Version.TLS_1_2), hello).leave()
    session = first.flight.sessions[0]
    again = resuming(old_hello(Version.TLS_1_2, (0xC02F,), number=7), session)
    second = Talk(context_of(files, Version.TLS_1_2), again, session=session)
    assert (second.flight.stage, second.flight.is_resumed) == (Stage.COMPLETE, False)
    assert second.flight.chain


def modern(context: ssl.SSLContext, session: Session | None = None) -> Talk:
    made = build(OFFER, None, bytes(range(256))[:ENTROPY])
    hello = made.hello if session is None else resuming(made.hello, session)
    talk = Talk(context, hello, made.shares, session)
    tickets = talk.answer(talk.reader.speak(b"ping"))
    assert talk.server.read(4) == b"ping"
    talk.server.write(ANSWER)
    assert b"".join(talk.reader.hear(tickets + talk._out.read())) == ANSWER
    return talk


def test_a_ticket_of_tls_13_is_resumed(files: tuple[Path, Path]) -> None:
    """The binder holds, no certificate comes, and both sides have the same keys."""
    context = context_of(files, Version.TLS_1_3)
    first = modern(context)
    session = first.flight.sessions[0]
    assert (session.lifetime_s, session.max_early_data) == (7200, 0)
    second = modern(context, session)
    assert (second.flight.is_resumed, second.flight.chain) == (True, ())
    assert second.server.session_reused


def test_a_psk_that_was_not_offered_is_refused(files: tuple[Path, Path]) -> None:
    """A server cannot choose what the client does not have."""
    context = context_of(files, Version.TLS_1_3)
    session = modern(context).flight.sessions[0]
    made = build(OFFER, None, bytes(range(256))[:ENTROPY])
    with pytest.raises(Malformed, match="PSK that was not offered"):
        Talk(context, resuming(made.hello, session), made.shares)
