"""The messages that follow a ServerHello up to TLS 1.2 (RFC 5246 §7.3)."""

from port443.core.wire import messages
from port443.core.wire.alerts import USER_CANCELED, Alert
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.legacy_end import Begun, LegacyEnd
from port443.core.wire.messages import MessageType
from port443.core.wire.proof import proves_key_12
from port443.core.wire.reading import Malformed
from port443.core.wire.records import ContentType, Message, Record, records
from port443.core.wire.schedule_12 import is_endable
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.session import Session
from port443.core.wire.suites import suite
from port443.core.wire.versions import Version

SIGNED_BY_CERTIFICATE = {"RSA", "ECDSA", "DSS", "anon"}


class LegacyFlight:
    """Fill a flight with the plaintext up to the ServerHelloDone; complete the handshake on request."""

    def __init__(
        self,
        flight: Flight,
        offered: ClientHello,
        chosen: ServerHello,
        heard: bytes,
        session: Session | None = None,
    ) -> None:
        """`session` is what the client has offered to resume."""
        self._flight = flight
        self._offered = offered
        self._session = session
        self._chosen = chosen
        self._version = chosen.version
        self._suite = suite(chosen.suite)
        self._client_random = offered.random
        self._heard = heard
        self._end: LegacyEnd | None = None

    @property
    def _names_scheme(self) -> bool:
        return self._version >= Version.TLS_1_2

    @property
    def can_conclude(self) -> bool:
        """Whether the handshake has an end that is known here, and has not come to it."""
        return self._end is None and self._version >= Version.TLS_1_0 and is_endable(self._suite.code)

    def conclude(self, seed: bytes) -> bytes:
        """Return the client's part of a TLS 1.2 handshake; more of the server's is due after it."""
        self._end = LegacyEnd.begin(self._flight, self._begun, seed)
        self._flight.stage = Stage.OPEN
        return self._end.speak()

    def change_keys(self) -> None:
        """Take what follows as protected; before the client has spoken that would be nobody's key."""
        self._resume()
        if self._end is not None:
            self._end.change_keys()

    def open(self, record: Record) -> tuple[int, bytes]:
        """Return the type and content of a record."""
        return record.kind, record.fragment if self._end is None else self._end.open(record)

    def receive(self, message: Message) -> None:
        """Take the next message."""
        if message.kind == MessageType.NEW_SESSION_TICKET:
            self._resume()
        if self._end is not None:
            self._end.receive(message)
            return
        self._heard += message.encode()
        self._read(message)

    @property
    def end(self) -> LegacyEnd:
        """The handshake's end; raises where it has not come to one."""
        if self._end is None:
            raise Malformed("there is no handshake that has come to its end")
        return self._end

    def begin_talk(self) -> None:
        """Do nothing: the keys of the handshake are those of what follows."""

    def hear(self, record: Record) -> bytes | None:
        """Return what the server says in a record after the handshake; None when it says that it is done."""
        kind, content = self.open(record)
        if kind == ContentType.ALERT:
            alert = Alert.parse(content)
            if alert.name == "close_notify":
                return None
            raise Malformed(f"the server ended the connection with the alert {alert.name}")
        return content if kind == ContentType.APPLICATION_DATA else b""

    @property
    def _begun(self) -> Begun:
        return Begun(self._offered, self._chosen, self._heard)

    def _resume(self) -> None:
        """Take new keys, or a ticket, right after the ServerHello for a resumption of what was offered."""
        is_new = self._flight.chain or self._flight.signed is not None
        if self._end is None and self._session is not None and not is_new:
            self._end = LegacyEnd.resume(self._flight, self._begun, self._session)

    def farewell(self) -> bytes:
        """Close a complete handshake; else send an alert in plaintext that the client left."""
        if self._end is not None:
            return self._end.farewell()
        return records(ContentType.ALERT, self._version, USER_CANCELED.encode())

    def _read(self, message: Message) -> None:
        flight = self._flight
        match message.kind:
            case MessageType.CERTIFICATE:
                flight.chain = messages.parse_certificate_12(message.body)
            case MessageType.CERTIFICATE_STATUS:
                flight.staple = messages.parse_certificate_status(message.body)
            case MessageType.SERVER_KEY_EXCHANGE:
                self._key_exchange(message.body)
            case MessageType.CERTIFICATE_REQUEST:
                flight.request = messages.parse_certificate_request_12(
                    message.body, names_schemes=self._names_scheme
                )
            case MessageType.SERVER_HELLO_DONE:
                flight.stage = Stage.COMPLETE
            case other:
                raise Malformed(f"a handshake message {other} came where none is due")

    def _key_exchange(self, body: bytes) -> None:
        chosen = self._suite
        if chosen.authentication not in SIGNED_BY_CERTIFICATE:
            return  # PSK, SRP and the like put hints before or in place of keys; no fact here needs them
        if chosen.key_exchange in {"ECDHE", "ECDH"}:
            signed = messages.parse_ecdhe(body, names_scheme=self._names_scheme)
        elif chosen.key_exchange in {"DHE", "DH"}:
            signed = messages.parse_dhe(body, names_scheme=self._names_scheme)
        else:
            return  # an export suite's temporary RSA key
        self._flight.signed = signed
        if self._flight.chain:
            leaf, randoms = self._flight.chain[0].der, self._client_random + self._chosen.random
            self._flight.key_proved = proves_key_12(leaf, signed, randoms)
