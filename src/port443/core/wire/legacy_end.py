"""The rest of a TLS 1.2 handshake: the client's key, and both Finished (RFC 5246 §7.3)."""

import hmac

from port443.core.wire.alerts import CLOSE_NOTIFY
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.key_share import key_share
from port443.core.wire.messages import MessageType, SignedParameters
from port443.core.wire.protection import Protector12
from port443.core.wire.reading import Malformed, vector
from port443.core.wire.records import ContentType, Message, Record, records
from port443.core.wire.schedule_12 import Schedule12, suite_12, transcript_digest
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.versions import Version

NO_CERTIFICATE = Message(MessageType.CERTIFICATE, bytes(3)).encode()


class LegacyEnd:
    """Say the client's part, then check the server's."""

    def __init__(
        self, flight: Flight, hello: ServerHello, client_random: bytes, heard: bytes, seed: bytes
    ) -> None:
        """`heard` are all messages up to the ServerHelloDone; `seed` makes the client's key."""
        self._flight = flight
        self._suite = suite_12(hello.suite)
        ours, theirs = _keys(flight.signed, seed)
        self._said = NO_CERTIFICATE if flight.request is not None else b""
        self._said += Message(MessageType.CLIENT_KEY_EXCHANGE, vector(1, ours)).encode()
        self._heard = heard + self._said
        is_extended = hello.extension(ExtensionType.EXTENDED_MASTER_SECRET) is not None
        randoms = client_random + hello.random
        self._schedule = Schedule12(self._suite, theirs, randoms, self._digest() if is_extended else None)
        self._client = Protector12(self._suite, self._schedule.client)
        self._server: Protector12 | None = None

    def speak(self) -> bytes:
        """Return all that is the client's to say before it listens again."""
        finished = Message(MessageType.FINISHED, self._schedule.client_finished(self._digest())).encode()
        self._heard += finished
        return (
            records(ContentType.HANDSHAKE, Version.TLS_1_2, self._said)
            + records(ContentType.CHANGE_CIPHER_SPEC, Version.TLS_1_2, b"\x01")
            + self._client.seal(ContentType.HANDSHAKE, finished)
        )

    def change_keys(self) -> None:
        """Take what follows as protected."""
        if self._server is not None:
            raise Malformed("the server changed its keys twice")
        self._server = Protector12(self._suite, self._schedule.server)

    def open(self, record: Record) -> bytes:
        """Return what a record holds."""
        return record.fragment if self._server is None else self._server.open(record)

    def receive(self, message: Message) -> None:
        """Take a ticket, or the server's Finished."""
        is_protected = self._server is not None
        if message.kind == MessageType.NEW_SESSION_TICKET and not is_protected:
            self._heard += message.encode()
        elif message.kind == MessageType.FINISHED and is_protected:
            self._check(message.body)
        else:
            raise Malformed(f"a handshake message {message.kind} came out of its order")

    def farewell(self) -> bytes:
        """Close the connection as one that was whole."""
        return self._client.seal(ContentType.ALERT, CLOSE_NOTIFY.encode())

    def _check(self, verify_data: bytes) -> None:
        if not hmac.compare_digest(self._schedule.server_finished(self._digest()), verify_data):
            raise Malformed("the server's Finished does not fit the handshake")
        self._flight.stage = Stage.COMPLETE

    def _digest(self) -> bytes:
        return transcript_digest(self._suite, self._heard)


def _keys(signed: SignedParameters | None, seed: bytes) -> tuple[bytes, bytes]:
    """Return the client's public key and the secret that it shares with the server's."""
    if signed is None or signed.group is None:
        raise Malformed("the server sent no key to exchange")
    share = key_share(signed.group, seed)
    return share.public, share.shared(signed.public)
