"""A client's side of a handshake without a socket: bytes in, a `Flight` out."""

from collections.abc import Iterator

from port443.core.wire.alerts import Alert
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import ExtensionType, find
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import group_name
from port443.core.wire.key_share import KeyShare
from port443.core.wire.legacy import LegacyFlight
from port443.core.wire.messages import MessageType
from port443.core.wire.modern import ModernFlight, Resumes
from port443.core.wire.protection import Protector
from port443.core.wire.reading import Malformed, NotTLS, Reader
from port443.core.wire.records import ContentType, Message, MessageBuffer, Record, RecordBuffer, records
from port443.core.wire.schedule import EarlySecret, Transcript, suite_13
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.session import Session, again
from port443.core.wire.versions import Version

MAX_FLIGHT = 2**18
"""The most bytes of a server's flight."""


PROOF = 256
"""Bytes of a flight that are kept unchanged: a ServerHello, or an alert, is among them."""


class FlightReader:
    """Reads the answer to one hello, and to a second one after a HelloRetryRequest.

    Feed `receive` until `flight.stage` is no longer OPEN. After RETRIED either stop, or send a
    second hello and call `retried`. A TLS 1.2 flight that is COMPLETE holds all that is of interest;
    `conclude` completes the handshake itself.
    """

    def __init__(
        self, hello: ClientHello, shares: tuple[KeyShare, ...] = (), session: Session | None = None
    ) -> None:
        """`session` is what the hello offers to resume."""
        self.flight = Flight()
        self._session = session
        self._early: Protector | None = None
        self._hello = hello
        self._shares = shares
        self._records = RecordBuffer()
        self._messages = MessageBuffer()
        self._taken = 0
        self._follow: LegacyFlight | ModernFlight | None = None
        self._sent = hello.message()
        self._before = b""

    def receive(self, octets: bytes) -> Stage:
        """Take received bytes and return the stage of the flight."""
        self._taken += len(octets)
        self.flight.began += octets[: PROOF - len(self.flight.began)]
        if self._taken > MAX_FLIGHT:
            raise Malformed(f"the server sent more than {MAX_FLIGHT} bytes without completing its flight")
        for record in self._records.receive(octets):
            self._take(record)
            if self.flight.stage is not Stage.OPEN:
                break  # what follows a complete flight is for `hear`
        return self.flight.stage

    def retried(self, hello: ClientHello, shares: tuple[KeyShare, ...]) -> None:
        """Continue after a retry with the second hello, which the caller has sent."""
        if self.flight.retry is None:
            raise Malformed("a second hello was sent without a retry")
        self._before = self._sent + self.flight.retry.message()
        self._hello, self._shares, self._sent = hello, shares, hello.message()
        self.flight.stage = Stage.OPEN

    @property
    def can_conclude(self) -> bool:
        """Whether the client must send messages before the server's last ones."""
        is_whole = self.flight.stage is Stage.COMPLETE
        return is_whole and isinstance(self._follow, LegacyFlight) and self._follow.can_conclude

    def conclude(self, seed: bytes) -> bytes:
        """Return the client's key and Finished, made from `SEED` random bytes; then feed `receive` again."""
        if not isinstance(self._follow, LegacyFlight) or not self.can_conclude:
            raise Malformed("there is no TLS 1.2 handshake to complete")
        return self._follow.conclude(seed)

    def early(self, content: bytes) -> bytes:
        """Return a change of keys and early data to send right after the hello (RFC 8446 §2.3)."""
        if self._session is None:
            raise Malformed("there is no session to send early data with")
        suite = suite_13(self._session.suite)
        transcript = Transcript(suite.hash_name)
        transcript.add(self._sent)
        keys = EarlySecret(suite, self._session.secret).client_keys(transcript.digest())
        self._early = Protector(suite, keys)
        change = records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01")
        return change + self._early.seal(ContentType.APPLICATION_DATA, content)

    def renegotiate(self, random: bytes, *, is_bound: bool) -> bytes:
        """Return a second hello over a whole handshake up to TLS 1.2; then feed `hear_again`.

        `is_bound` binds it to the first one (RFC 5746 §3.5); without that a man in the middle can join two.
        """
        end = self._whole_legacy().end
        before = end.outstanding()
        hello = again(self._hello, random, end.client_verify if is_bound else None)
        return before + end.seal(ContentType.HANDSHAKE, hello.message())

    def hear_again(self, octets: bytes) -> bool:
        """Take what the server says to that; return whether it has answered it."""
        follow = self._whole_legacy()
        for record in self._records.receive(octets):
            if record.kind != ContentType.CHANGE_CIPHER_SPEC:
                self._hear_second(*follow.open(record))
        return self.flight.renegotiated is not None

    def _hear_second(self, kind: int, content: bytes) -> None:
        if kind == ContentType.ALERT:
            alert = Alert.parse(content)
            self.flight.renegotiated, self.flight.refused_again = False, f"alert {alert.name}"
        elif kind == ContentType.HANDSHAKE:
            for message in self._messages.receive(content):
                if message.kind == MessageType.SERVER_HELLO:
                    self.flight.renegotiated = True

    def _whole_legacy(self) -> LegacyFlight:
        if not isinstance(self._follow, LegacyFlight) or self.flight.stage is not Stage.COMPLETE:
            raise Malformed("there is no whole handshake up to TLS 1.2")
        return self._follow

    def speak(self, content: bytes) -> bytes:
        """End a handshake that is COMPLETE and say one thing over it; then feed `hear`."""
        if isinstance(self._follow, LegacyFlight):
            return self._whole_legacy().end.seal(ContentType.APPLICATION_DATA, content)
        return self._whole().speak(content)

    def hear(self, octets: bytes) -> Iterator[bytes]:
        """Return what the server says over a handshake that `speak` has ended, in pieces."""
        whole = self._whole_legacy() if isinstance(self._follow, LegacyFlight) else self._whole()
        whole.begin_talk()
        for record in self._records.receive(octets):
            if record.kind == ContentType.CHANGE_CIPHER_SPEC:
                continue
            content = whole.hear(record)
            if content is None:
                return
            yield content

    def _whole(self) -> ModernFlight:
        if not isinstance(self._follow, ModernFlight) or self.flight.stage is not Stage.COMPLETE:
            raise Malformed("there is no TLS 1.3 handshake for application data")
        return self._follow

    def farewell(self) -> bytes:
        """Return the bytes that close the connection properly, after completing the handshake if possible."""
        return b"" if self._follow is None else self._follow.farewell()

    def _take(self, record: Record) -> None:
        kind: int = record.kind
        content = record.fragment
        if kind == ContentType.CHANGE_CIPHER_SPEC:
            if self._follow is not None:
                self._follow.change_keys()
            return
        if self._follow is not None:
            kind, content = self._follow.open(record)
        if kind == ContentType.ALERT:
            self._alert(Alert.parse(content))
        elif kind == ContentType.HANDSHAKE:
            for message in self._messages.receive(content):
                self._message(message)
        else:
            raise Malformed(f"a record of type {kind} came during the handshake")

    def _alert(self, alert: Alert) -> None:
        self.flight.alerts.append(alert)
        if alert.ends_connection:
            self.flight.stage = Stage.REFUSED

    def _message(self, message: Message) -> None:
        if self.flight.stage is not Stage.OPEN:
            raise Malformed(f"a handshake message {message.kind} came after the end of the flight")
        if self._follow is not None:
            self._follow.receive(message)
        elif message.kind == MessageType.SERVER_HELLO:
            self._server_hello(ServerHello.parse(message.body), message.encode())
        elif message.kind == MessageType.CLIENT_HELLO:
            raise NotTLS("the port echoes: a ClientHello came in answer to one")
        else:
            raise Malformed(f"a handshake message {message.kind} came in place of the ServerHello")

    def _server_hello(self, hello: ServerHello, encoded: bytes) -> None:
        if hello.suite not in self._hello.suites:
            raise Malformed(f"the server chose suite 0x{hello.suite:04x}, which was not offered")
        if hello.is_retry:
            self._retry(hello)
            return
        self.flight.hello = hello
        self.flight.alpn = hello.alpn
        if hello.version >= Version.TLS_1_3:
            self._modern(hello, encoded)
        else:
            heard = self._sent + encoded
            self._follow = LegacyFlight(self.flight, self._hello, hello, heard, self._resumable(hello))

    def _resumable(self, hello: ServerHello) -> Session | None:
        """Return the session that a ServerHello up to TLS 1.2 may go on with."""
        one = self._session
        is_same = one is not None and (one.version, one.suite) == (hello.version, hello.suite)
        return one if is_same and hello.session_id == self._hello.session_id else None

    def _retry(self, hello: ServerHello) -> None:
        # A second retry could repeat without end (RFC 8446 §4.1.4).
        if self.flight.retry is not None or hello.version != Version.TLS_1_3:
            raise Malformed("the server sent a retry that may not be there")
        if find(hello.extensions or (), ExtensionType.KEY_SHARE) is None and not hello.extension(
            ExtensionType.COOKIE
        ):
            raise Malformed("the server's retry asks for nothing")
        if hello.group is not None and hello.group not in self._offered_groups():
            raise Malformed(f"the server's retry asks for {group_name(hello.group)}, which was not offered")
        self.flight.retry = hello
        self.flight.stage = Stage.RETRIED

    def _offered_groups(self) -> tuple[int, ...]:
        body = find(self._hello.extensions or (), ExtensionType.SUPPORTED_GROUPS)
        return () if body is None else Reader(body, "the groups offered").numbers(2)

    def _modern(self, hello: ServerHello, encoded: bytes) -> None:
        share = next((share for share in self._shares if share.group == hello.group), None)
        if share is None or hello.public_key is None:
            raise Malformed("the server chose a group for which it was sent no key")
        if not self._messages.is_empty:
            raise Malformed("clear bytes follow the ServerHello")
        heard = (self._before, self._sent, encoded)
        resumes = None if self._session is None else Resumes(self._session, self._early)
        self._follow = ModernFlight(self.flight, hello, share.shared(hello.public_key), heard, resumes)
