"""The server's answer to a hello: one value, filled as its messages arrive."""

from dataclasses import dataclass, field
from enum import Enum

from port443.core.wire.alerts import Alert
from port443.core.wire.messages import CertificateEntry, CertificateRequest, SignedParameters
from port443.core.wire.server_hello import ServerHello
from port443.core.wire.session import Session


class Stage(Enum):
    """How far the answer has come."""

    OPEN = "more is due"
    RETRIED = "the server asks for another hello"
    COMPLETE = "the flight is whole"
    REFUSED = "the server ended it with an alert"


@dataclass(slots=True)
class Flight:
    """The server's first flight. What has not arrived yet is None or empty."""

    stage: Stage = Stage.OPEN
    retry: ServerHello | None = None
    hello: ServerHello | None = None
    alerts: list[Alert] = field(default_factory=list)
    chain: tuple[CertificateEntry, ...] = ()
    signed: SignedParameters | None = None
    extensions: tuple[int, ...] = ()
    """The kinds of what a server of TLS 1.3 answers in protection."""
    request: CertificateRequest | None = None
    staple: bytes | None = None
    alpn: str | None = None
    fault: str | None = None
    """Why the flight was broken off after the ServerHello or the retry."""
    compression: int | None = None
    """The compression of the certificates (RFC 8879); only zlib is decompressed here."""
    scheme: int | None = None
    """The scheme of a CertificateVerify of TLS 1.3."""
    began: bytes = b""
    """The first bytes that came, as they came: what proves the choice."""
    is_resumed: bool = False
    """Whether it goes on with a session that was offered, so that no certificate came."""
    sessions: list[Session] = field(default_factory=list)
    """What a later connection could resume; it comes with, or after, the handshake's end."""
    took_early: bool = False
    """Whether the server takes the early data that came with the hello."""
    heard_early: bytes = b""
    """What was answered before the client's Finished: whoever repeats the early data gets it too."""
    heard: bytes = b""
    """The first bytes of what was said over the whole handshake."""
    renegotiated: bool | None = None
    """Whether the server took a second handshake over the first one; None when it did not answer."""
    refused_again: str = ""
    """How it refused that."""
    key_proved: bool | None = None
    """Whether the server signed with the leaf's key; None when it did not sign, or not checkably."""

    @property
    def chosen(self) -> ServerHello | None:
        """The hello or the retry: either names version, suite and group."""
        return self.hello or self.retry

    @property
    def broken_off(self) -> str:
        """Why a flight that is not whole went no further; nothing for one that is."""
        if self.stage is Stage.COMPLETE:
            return ""
        alert = f"alert {self.alerts[-1].name}" if self.alerts else ""
        return alert or self.fault or "the server closed the connection before it"

    @property
    def group(self) -> int | None:
        """The group of the key exchange, whatever the version."""
        if self.signed is not None:
            return self.signed.group
        return None if self.chosen is None else self.chosen.group
