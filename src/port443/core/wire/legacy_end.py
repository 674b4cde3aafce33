"""The rest of a handshake up to TLS 1.2, whether it is a new one or a resumption (RFC 5246 §7.3)."""

import hmac
from dataclasses import dataclass

from port443.core.wire.alerts import CLOSE_NOTIFY
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.messages import MessageType
from port443.core.wire.pre_master import client_key
from port443.core.wire.protection import Protect12, protector_12
from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Message, Record, records
from port443.core.wire.schedule_12 import Schedule12, master_secret, suite_12, transcript_digest
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.session import Session, parse_ticket_12

NO_CERTIFICATE = Message(MessageType.CERTIFICATE, bytes(3)).encode()


@dataclass(frozen=True, slots=True)
class Begun:
    """A handshake as far as it went in clear."""

    offered: ClientHello
    chosen: ServerHello
    heard: bytes
    """All messages so far, one after the other."""

    @property
    def randoms(self) -> bytes:
        return self.offered.random + self.chosen.random

    @property
    def is_extended(self) -> bool:
        return self.chosen.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None


class LegacyEnd:
    """Say the client's part, then check the server's; the other way round when a session is resumed."""

    def __init__(
        self, flight: Flight, begun: Begun, said: bytes, session: Session | None, shared: bytes
    ) -> None:
        """`said` are the client's messages before its Finished; `shared` makes a new master secret."""
        self._flight = flight
        self._begun = begun
        self._version = begun.chosen.version
        self._suite = suite_12(begun.chosen.suite, self._version)
        self._said, self._heard = said, begun.heard + said
        self._is_resumed = session is not None
        self._master = self._new_master(shared) if session is None else session.secret
        self._schedule = Schedule12(self._suite, self._master, begun.randoms)
        self._client = protector_12(self._suite, self._schedule.client, self._version)
        self._server: Protect12 | None = None
        self._ticket = (0, b"") if session is None else (session.lifetime_s, session.ticket)
        self.client_verify = b""
        """The client's Finished, which a renegotiation is bound to (RFC 5746 §3.5)."""

    @classmethod
    def begin(cls, flight: Flight, begun: Begun, seed: bytes) -> "LegacyEnd":
        """Go on after the ServerHelloDone; `seed` makes the client's key."""
        said = NO_CERTIFICATE if flight.request is not None else b""
        key, shared = client_key(flight, begun.offered, begun.chosen, seed)
        return cls(flight, begun, said + Message(MessageType.CLIENT_KEY_EXCHANGE, key).encode(), None, shared)

    @classmethod
    def resume(cls, flight: Flight, begun: Begun, session: Session) -> "LegacyEnd":
        """Go on after the ServerHello of a resumption."""
        return cls(flight, begun, b"", session, b"")

    def speak(self) -> bytes:
        """Return all that is the client's to say at its turn."""
        self.client_verify = self._schedule.client_finished(self._digest())
        finished = Message(MessageType.FINISHED, self.client_verify).encode()
        self._heard += finished
        keys = records(ContentType.HANDSHAKE, self._version, self._said) if self._said else b""
        change = records(ContentType.CHANGE_CIPHER_SPEC, self._version, b"\x01")
        return keys + change + self._client.seal(ContentType.HANDSHAKE, finished)

    def change_keys(self) -> None:
        """Treat what follows as protected."""
        if self._server is not None:
            raise Malformed("the server changed its keys twice")
        self._server = protector_12(self._suite, self._schedule.server, self._version)

    def open(self, record: Record) -> bytes:
        """Return the content of a record."""
        return record.fragment if self._server is None else self._server.open(record)

    def seal(self, kind: ContentType, content: bytes) -> bytes:
        """Protect what the client says; what is its turn to say comes first."""
        return self.outstanding() + self._client.seal(kind, content)

    def receive(self, message: Message) -> None:
        """Take a ticket, or the server's Finished."""
        is_protected = self._server is not None
        if message.kind == MessageType.NEW_SESSION_TICKET and not is_protected:
            self._ticket = parse_ticket_12(message.body)
            self._heard += message.encode()
        elif message.kind == MessageType.FINISHED and is_protected:
            self._check(message)
        else:
            raise Malformed(f"a handshake message {message.kind} came out of its order")

    def farewell(self) -> bytes:
        """Close the connection as one that was whole."""
        return self.seal(ContentType.ALERT, CLOSE_NOTIFY.encode())

    def outstanding(self) -> bytes:
        """Return what is the client's to say at the end of a resumption, once."""
        return self.speak() if self._is_resumed and not self.client_verify else b""

    def _check(self, message: Message) -> None:
        if not hmac.compare_digest(self._schedule.server_finished(self._digest()), message.body):
            raise Malformed("the server's Finished does not fit the handshake")
        self._heard += message.encode()
        self._flight.is_resumed = self._is_resumed
        self._flight.stage = Stage.COMPLETE
        lifetime, ticket = self._ticket
        chosen = self._begun.chosen
        if ticket or chosen.session_id:
            self._flight.sessions.append(
                Session(
                    self._version, chosen.suite, self._master, chosen.session_id, ticket, lifetime,
                    is_extended=self._begun.is_extended,
                )
            )  # fmt: skip

    def _new_master(self, shared: bytes) -> bytes:
        session_hash = self._digest() if self._begun.is_extended else None
        return master_secret(self._suite, shared, self._begun.randoms, session_hash)

    def _digest(self) -> bytes:
        return transcript_digest(self._suite, self._heard)
