"""A client that says over TLS what it is told to, right or wrong, and hears the alert that it gets."""

import os
import socket
from dataclasses import dataclass, replace

from port443.core.names import HostName
from port443.core.probe.hellos import ENTROPY, Hello, after_retry, build, handshake_offer
from port443.core.wire.extensions import Extension, ExtensionType
from port443.core.wire.groups import SECP521R1, X25519MLKEM768
from port443.core.wire.key_share import SEED, key_share
from port443.core.wire.messages import MessageType, parse_ecdhe
from port443.core.wire.protection import Protector, Protector12
from port443.core.wire.reading import vector
from port443.core.wire.records import ContentType, Message, MessageBuffer, Record, RecordBuffer
from port443.core.wire.schedule import Schedule, Transcript, suite_13
from port443.core.wire.schedule_12 import Schedule12, master_secret, suite_12, transcript_digest
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version
from tls_client import DEADLINE_S, read_all

NAME = HostName.parse("a.test")
CHANGE = Record(ContentType.CHANGE_CIPHER_SPEC, 0x0303, b"\x01").encode()
KEY_UPDATE = b"\x18\x00\x00\x01\x00"
"""A message that wants none in return."""
CLOSE_NOTIFY = Record(ContentType.ALERT, 0x0303, b"\x01\x00").encode()


def record(kind: int, content: bytes) -> bytes:
    """Write a record in clear, of any type and length."""
    return bytes((kind,)) + b"\x03\x03" + len(content).to_bytes(2) + content


def handshake(content: bytes) -> bytes:
    return record(ContentType.HANDSHAKE, content)


def hello(version: Version = Version.TLS_1_3, shares: tuple[int, ...] | None = None) -> Hello:
    """Return a plain client's hello, with keys for these groups, else for the edge's first."""
    offer = handshake_offer(version)
    if version == Version.TLS_1_3:
        offer = replace(offer, share_groups=shares or (X25519MLKEM768,))
    return build(offer, NAME, os.urandom(ENTROPY))


def with_extension(made: Hello, kind: int, body: bytes | None) -> Hello:
    """Return a hello with an extension changed or added, or left out where the body is None."""
    kept = tuple(one for one in made.hello.extensions or () if one.kind != kind)
    added = () if body is None else (Extension(kind, body),)
    return replace(made, hello=replace(made.hello, extensions=kept + added))


@dataclass(frozen=True)
class Heard:
    """How a connection ended: the alert's level and description, or nothing."""

    level: int | None = None
    description: int | None = None


class RawClient:
    """One connection; the methods are to be called in the order of a handshake."""

    def __init__(self, port: int) -> None:
        self.tcp = socket.create_connection(("127.0.0.1", port), DEADLINE_S)
        self.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._records, self._messages = RecordBuffer(), MessageBuffer()
        self._waiting: list[Record] = []
        self._server: Protector | Protector12 | None = None

    def close(self) -> None:
        self.tcp.close()

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.tcp.sendall(piece)

    def end(self) -> Heard:
        """Read to the end and return the alert that came last."""
        self._waiting += self._records.receive(read_all(self.tcp))
        heard = Heard()
        for one in self._waiting:
            kind, content = self._open(one)
            if kind == ContentType.ALERT:
                heard = Heard(*content)
        return heard

    def message(self) -> Message:
        """Return the server's next handshake message."""
        while True:
            for found in self._messages.receive(b""):
                return found
            kind, content = self._open(self._record())
            if kind == ContentType.HANDSHAKE:
                self._add(content)
            else:
                assert kind == ContentType.CHANGE_CIPHER_SPEC, (kind, content)

    def _add(self, content: bytes) -> None:
        # A generator: nothing is taken out before somebody asks.
        self._messages._pending += content

    def _record(self) -> Record:
        while not self._waiting:
            data = self.tcp.recv(65536)
            assert data, "the edge closed"
            self._waiting += self._records.receive(data)
        return self._waiting.pop(0)

    def _open(self, one: Record) -> tuple[int, bytes]:
        if self._server is None or one.kind == ContentType.CHANGE_CIPHER_SPEC:
            return one.kind, one.fragment
        opened = self._server.open(one)
        return opened if isinstance(opened, tuple) else (one.kind, opened)


class RawClient13(RawClient):
    """A client of TLS 1.3."""

    _asked: tuple[bytes, bytes] | None = None

    def greet(self, made: Hello | None = None) -> None:
        """Say hello and read the server's flight; afterwards `seal` has the handshake's keys."""
        made = made or hello()
        sent = made.hello.message()
        self.send(handshake(sent))
        answer = self.message()
        chosen = ServerHello.parse(answer.body)
        self._suite = suite_13(chosen.suite)
        self._transcript = Transcript(self._suite.hash_name)
        if self._asked:
            first, retry = self._asked
            self._transcript.add(first)
            self._transcript.retried()
            self._transcript.add(retry)
        self._transcript.add(sent + answer.encode())
        (share,) = [share for share in made.shares if share.group == chosen.group]
        self._schedule = Schedule(
            self._suite, share.shared(chosen.public_key or b""), self._transcript.digest()
        )
        self._server = Protector(self._suite, self._schedule.server_keys())
        self._client = Protector(self._suite, self._schedule.client_keys())
        while (heard := self.message()).kind != MessageType.FINISHED:
            self._transcript.add(heard.encode())
        self._transcript.add(heard.encode())
        self._after = self._transcript.digest()
        self._server = Protector(self._suite, self._schedule.server_application_keys(self._after))

    def asked_again(self) -> Hello:
        """Say hello without a share that the edge takes, and return the hello that is due then."""
        first = hello(shares=(SECP521R1,))
        self.send(handshake(first.hello.message()))
        retry = ServerHello.parse(self.message().body)
        assert retry.is_retry
        self._asked = (first.hello.message(), retry.message())
        return after_retry(first, handshake_offer(Version.TLS_1_3), retry.group, None, os.urandom(SEED))

    def finished(self) -> bytes:
        """Return the client's Finished, as a message."""
        return Message(MessageType.FINISHED, self._schedule.client_finished(self._after)).encode()

    def seal(self, kind: int, content: bytes) -> bytes:
        """Write a record under the keys of the moment, of any inner type."""
        return self._client.seal(kind, content)  # type: ignore[arg-type]

    def complete(self) -> None:
        """End the handshake; afterwards `seal` has the keys of the connection."""
        self.send(CHANGE, self.seal(ContentType.HANDSHAKE, self.finished()))
        self._secret = self._suite.expand(self._schedule._master, "c ap traffic", self._after)
        self._client = Protector(self._suite, self._suite.keys(self._secret))

    def update_keys(self) -> bytes:
        """Return the record of a KeyUpdate, and go on with the next keys (RFC 8446 §7.2)."""
        said = self.seal(ContentType.HANDSHAKE, KEY_UPDATE)
        self._secret = self._suite.expand(self._secret, "traffic upd", b"")
        self._client = Protector(self._suite, self._suite.keys(self._secret))
        return said


class RawClient12(RawClient):
    """A client of TLS 1.2."""

    def greet(self, made: Hello | None = None) -> None:
        """Say hello and read the server's flight."""
        made = made or hello(Version.TLS_1_2)
        self._said = made.hello.message()
        self.send(handshake(self._said))
        while (heard := self.message()).kind != MessageType.SERVER_HELLO_DONE:
            self._said += heard.encode()
            if heard.kind == MessageType.SERVER_HELLO:
                self._chosen = ServerHello.parse(heard.body)
            if heard.kind == MessageType.SERVER_KEY_EXCHANGE:
                signed = parse_ecdhe(heard.body, names_scheme=True)
        self._said += heard.encode()
        self._randoms = made.hello.random + self._chosen.random
        self._share = key_share(signed.group or 0, os.urandom(SEED))
        self._shared = self._share.shared(signed.public)

    def key_exchange(self, public: bytes | None = None) -> bytes:
        """Return the ClientKeyExchange, with another key where one is given."""
        body = vector(1, self._share.public if public is None else public)
        return Message(MessageType.CLIENT_KEY_EXCHANGE, body).encode()

    def exchange(self) -> None:
        """Send the key and change to it; afterwards `seal` has the connection's keys."""
        self._said += self.key_exchange()
        self.send(handshake(self.key_exchange()), CHANGE)
        suite = suite_12(self._chosen.suite)
        is_extended = self._chosen.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None
        digest = transcript_digest(suite, self._said)
        master = master_secret(suite, self._shared, self._randoms, digest if is_extended else None)
        self._schedule = Schedule12(suite, master, self._randoms)
        self._finished = self._schedule.client_finished(digest)
        self._client = Protector12(suite, self._schedule.client)

    def seal(self, kind: int, content: bytes) -> bytes:
        return self._client.seal(kind, content)  # type: ignore[arg-type]

    def finished(self) -> bytes:
        return Message(MessageType.FINISHED, self._finished).encode()

    def complete(self) -> None:
        """End the handshake."""
        self.exchange()
        self.send(self.seal(ContentType.HANDSHAKE, self.finished()))
        while self._record().kind != ContentType.CHANGE_CIPHER_SPEC:
            pass  # A ticket.
        self._server = Protector12(suite_12(self._chosen.suite), self._schedule.server)
        assert self.message().kind == MessageType.FINISHED
