"""The messages that follow a ServerHello of TLS 1.3, protected (RFC 8446 §4.3, §4.4)."""

import hmac
from dataclasses import dataclass

from port443.core.wire import messages
from port443.core.wire.alerts import CLOSE_NOTIFY, Alert
from port443.core.wire.extensions import ExtensionType, find, read_alpn, read_number
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.messages import MessageType
from port443.core.wire.proof import proves_key_13
from port443.core.wire.protection import Protector
from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Message, MessageBuffer, Record, records
from port443.core.wire.schedule import Schedule, Transcript, suite_13
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.session import Session, parse_ticket_13
from port443.core.wire.versions import Version

CERTIFICATES = {MessageType.CERTIFICATE, MessageType.COMPRESSED_CERTIFICATE}
FOLLOWS = {
    MessageType.SERVER_HELLO: {MessageType.ENCRYPTED_EXTENSIONS},
    MessageType.ENCRYPTED_EXTENSIONS: {MessageType.CERTIFICATE_REQUEST, *CERTIFICATES},
    MessageType.CERTIFICATE_REQUEST: CERTIFICATES,
    MessageType.CERTIFICATE: {MessageType.CERTIFICATE_VERIFY},
    MessageType.COMPRESSED_CERTIFICATE: {MessageType.CERTIFICATE_VERIFY},
    MessageType.CERTIFICATE_VERIFY: {MessageType.FINISHED},
}
EMPTY_CERTIFICATE = Message(MessageType.CERTIFICATE, b"\x00\x00\x00\x00").encode()


@dataclass(frozen=True, slots=True)
class Resumes:
    """A session that the client has offered, and what protects the early data that it has sent."""

    session: Session
    early: Protector | None = None


class ModernFlight:
    """Decrypt the server's flight, fill it in, and verify its signature and Finished."""

    def __init__(
        self,
        flight: Flight,
        hello: ServerHello,
        shared: bytes,
        heard: tuple[bytes, bytes, bytes],
        resumes: Resumes | None = None,
    ) -> None:
        before, sent, encoded = heard
        self._flight = flight
        self._suite = suite_13(hello.suite)
        self._transcript = Transcript(self._suite.hash_name)
        self._hear_retry(before, flight.retry)
        self._transcript.add(sent + encoded)
        self._code = hello.suite
        psk = self._psk(hello, resumes)
        self._schedule = Schedule(self._suite, shared, self._transcript.digest(), psk)
        self._early = None if resumes is None else resumes.early
        self._server = Protector(self._suite, self._schedule.server_keys())
        self._last = MessageType.SERVER_HELLO
        self._resumption = self._ended = b""
        self._application: Protector | None = None
        self._after = MessageBuffer()

    def change_keys(self) -> None:
        """Ignore it: in TLS 1.3 the message exists for middleboxes only (RFC 8446 §D.4)."""

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the type and content inside a record; only an alert may still be in plaintext."""
        if record.kind == ContentType.ALERT:
            return record.kind, record.fragment
        if record.kind != ContentType.APPLICATION_DATA:
            raise Malformed(f"a record of type {record.kind} came in clear where it must be protected")
        return self._server.open(record)

    def receive(self, message: Message) -> None:
        """Take the next message; one out of its order ends it all."""
        if message.kind not in self._due:
            raise Malformed(f"a handshake message {message.kind} came out of its order")
        self._last = MessageType(message.kind)
        self._read(message)
        self._transcript.add(message.encode())

    @property
    def _due(self) -> set[MessageType]:
        if self._flight.is_resumed and self._last == MessageType.ENCRYPTED_EXTENSIONS:
            return {MessageType.FINISHED}  # the PSK stands for the certificate (RFC 8446 §2.2)
        return FOLLOWS.get(self._last, set())

    def _psk(self, hello: ServerHello, resumes: Resumes | None) -> bytes | None:
        chosen = hello.extension(ExtensionType.PRE_SHARED_KEY)
        if chosen is None:
            return None
        if resumes is None or read_number(chosen, "the chosen PSK") != 0:
            raise Malformed("the server chose a PSK that was not offered")
        self._flight.is_resumed = True
        return resumes.session.secret

    def farewell(self) -> bytes:
        """Finish the handshake and close the connection, so that the server counts no failure."""
        if self._flight.stage is not Stage.COMPLETE:
            return b""
        if self._application is not None:
            return self._application.seal(ContentType.ALERT, CLOSE_NOTIFY.encode())
        return self.speak(CLOSE_NOTIFY.encode(), ContentType.ALERT)

    def speak(self, content: bytes, kind: ContentType = ContentType.APPLICATION_DATA) -> bytes:
        """Finish the handshake and say one thing over it."""
        after = self._after_finished()
        ended = self._end_of_early_data()
        reply = EMPTY_CERTIFICATE if self._flight.request is not None else b""
        self._transcript.add(reply)
        finished = self._schedule.client_finished(self._transcript.digest())
        end = Message(MessageType.FINISHED, finished).encode()
        self._transcript.add(end)
        self._resumption = self._schedule.resumption(self._transcript.digest())
        reply += end
        handshake = Protector(self._suite, self._schedule.client_keys())
        self._application = Protector(self._suite, self._schedule.client_application_keys(after))
        change = (
            records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01") if self._early is None else b""
        )
        said = self._application.seal(kind, content) if content else b""
        return change + ended + handshake.seal(ContentType.HANDSHAKE, reply) + said

    def begin_talk(self) -> None:
        """Take what follows as said over the whole handshake."""
        self._after_finished()

    def _after_finished(self) -> bytes:
        """Change to the keys of what follows the server's Finished, and return the hash up to there."""
        if not self._ended:
            self._ended = self._transcript.digest()
            self._server = Protector(self._suite, self._schedule.server_application_keys(self._ended))
        return self._ended

    def hear(self, record: Record) -> bytes | None:
        """Return the application data of a record after the handshake; None for close_notify."""
        kind, content = self.open(record)
        if kind == ContentType.APPLICATION_DATA:
            return content
        if kind == ContentType.ALERT:
            alert = Alert.parse(content)
            if alert.name == "close_notify":
                return None
            raise Malformed(f"the server ended the connection with the alert {alert.name}")
        if kind != ContentType.HANDSHAKE:
            raise Malformed(f"a record of type {kind} came after the handshake")
        for message in self._after.receive(content):
            if message.kind != MessageType.NEW_SESSION_TICKET:
                raise Malformed("the server changes the connection in a way that is not followed here")
            self._flight.sessions.append(parse_ticket_13(message.body, self._code, self._resumption))
        return b""

    def _end_of_early_data(self) -> bytes:
        """End the early data that the server takes (RFC 8446 §4.5); what it does not take has no end."""
        if not self._flight.took_early or self._early is None:
            return b""
        ended = Message(MessageType.END_OF_EARLY_DATA, b"").encode()
        self._transcript.add(ended)
        return self._early.seal(ContentType.HANDSHAKE, ended)

    def _hear_retry(self, before: bytes, retry: ServerHello | None) -> None:
        if retry is None:
            return
        again = retry.message()
        self._transcript.add(before.removesuffix(again))
        self._transcript.retried()
        self._transcript.add(again)

    def _read(self, message: Message) -> None:
        flight, body = self._flight, message.body
        match message.kind:
            case MessageType.ENCRYPTED_EXTENSIONS:
                extensions = messages.parse_encrypted_extensions(body)
                flight.extensions = tuple(one.kind for one in extensions)
                chosen = find(extensions, ExtensionType.ALPN)
                flight.took_early = find(extensions, ExtensionType.EARLY_DATA) is not None
                flight.alpn = None if chosen is None else read_alpn(chosen)
            case MessageType.CERTIFICATE_REQUEST:
                flight.request = messages.parse_certificate_request_13(body)
            case MessageType.CERTIFICATE:
                flight.chain = messages.parse_certificate_13(body)
                flight.staple = messages.stapled(flight.chain[0]) if flight.chain else None
            case MessageType.COMPRESSED_CERTIFICATE:
                flight.compression, flight.chain = messages.parse_compressed_certificate(body)
                flight.staple = messages.stapled(flight.chain[0]) if flight.chain else None
            case MessageType.CERTIFICATE_VERIFY:
                self._verify(body)
            case _:
                self._finish(body)

    def _verify(self, body: bytes) -> None:
        scheme, signature = messages.parse_certificate_verify(body)
        self._flight.scheme = scheme
        if not self._flight.chain:
            if self._flight.compression is None:
                raise Malformed("the server signed without a certificate")
            return  # it is packed in a way that is not unpacked here
        leaf = self._flight.chain[0].der
        self._flight.key_proved = proves_key_13(leaf, scheme, signature, self._transcript.digest())

    def _finish(self, body: bytes) -> None:
        expected = self._schedule.server_finished(self._transcript.digest())
        if not hmac.compare_digest(expected, body):
            raise Malformed("the server's Finished does not fit the handshake")
        self._flight.stage = Stage.COMPLETE
