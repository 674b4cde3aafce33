"""The queries of a probe, and their possible responses.

A probe is a generator: it yields a query, is sent the response, and returns what the responses prove. It
uses neither network nor clock, so a test can simulate any server. `confirm` has the rules of when a
response proves something.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar, assert_never

from port443.core.errors import ScanError
from port443.core.probe.failures import AnswerTimedOut, ConnectionEnded, ConnectionWasReset
from port443.core.probe.hellos import Offer
from port443.core.wire.alerts import Alert
from port443.core.wire.flight import Flight
from port443.core.wire.reading import Malformed, NotTLS
from port443.core.wire.session import Session
from port443.core.wire.versions import Version, version_label

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TLSQuery:
    """Send this hello on its own connection."""

    offer: Offer
    is_control: bool = field(default=False, compare=False)
    """Whether it repeats an accepted hello, to see that the server still answers as before."""


@dataclass(frozen=True, slots=True)
class SSL2Query:
    """Send the hello of SSL 2.0 on its own connection."""


@dataclass(frozen=True, slots=True)
class SessionQuery:
    """Bring a handshake to its end on a connection of its own, and go on over it."""

    offer: Offer
    session: Session | None = None
    """What is offered to be resumed."""
    says: bytes = b""
    """What is said over it, in TLS 1.3."""
    early: bytes = b""
    """What is sent with the hello (RFC 8446 §2.3)."""
    wants_ticket: bool = True
    """Up to TLS 1.2."""
    renegotiates: bool = False
    """Whether a second handshake is tried over the first, up to TLS 1.2."""
    is_bound: bool = True
    """Whether the second is bound to the first (RFC 5746)."""
    number: int = 0
    """Tells repetitions apart, each of which has a result of its own."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A ServerHello or a HelloRetryRequest: the server accepts the offer."""

    flight: Flight

    @property
    def version(self) -> int:
        chosen = self.flight.chosen
        return 0 if chosen is None else chosen.version

    @property
    def suite(self) -> int:
        chosen = self.flight.chosen
        return 0 if chosen is None else chosen.suite


@dataclass(frozen=True, slots=True)
class AcceptedSSL2:
    """A SERVER-HELLO of SSL 2.0."""

    ciphers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AlertReceived:
    """A TLS alert in place of a ServerHello."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class Closed:
    """The server closed the connection and sent nothing."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection ended by a TCP reset."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The connection was open, and nothing arrived in time."""


@dataclass(frozen=True, slots=True)
class ProtocolViolation:
    """The answer was not TLS, or violated it."""

    detail: str
    hint: str = ""
    is_tls: bool = True
    """Whether it was in TLS records."""


@dataclass(frozen=True, slots=True)
class InternalFault:
    """An exception in this program; it proves nothing."""

    detail: str


@dataclass(frozen=True, slots=True)
class NotConnected:
    """No connection was established."""

    detail: str
    error: ScanError | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """The query was not sent: the time or the budget of connections was used up."""

    reason: str


Query: TypeAlias = TLSQuery | SSL2Query | SessionQuery
Response: TypeAlias = (
    Accepted
    | AcceptedSSL2
    | AlertReceived
    | Closed
    | Reset
    | NoAnswer
    | ProtocolViolation
    | InternalFault
    | NotConnected
    | NotSent
)
Probe: TypeAlias = Generator[Query, Response, T]


def response_of(flight: Flight) -> Response:
    """Return the response for a flight, however early it ended."""
    if flight.chosen is not None:
        return Accepted(flight)
    if flight.alerts:
        return AlertReceived(flight.alerts[-1])
    return Closed()


def response_of_error(error: ScanError) -> Response:
    """Return the response for an error on the way."""
    match error:
        case ConnectionWasReset():
            return Reset()
        case AnswerTimedOut():
            return NoAnswer()
        case ConnectionEnded():
            return Closed()
        case Malformed():
            return ProtocolViolation(error.message, error.hint, is_tls=not isinstance(error, NotTLS))
        case _:
            return NotConnected(error.message, error)


def describe(response: Response) -> str:
    """Describe a response, for the reason of a verdict."""
    match response:
        case Accepted():
            return version_label(response.version)
        case AcceptedSSL2():
            return Version.SSL_2.label
        case AlertReceived(alert):
            return f"alert {alert.name}"
        case Closed():
            return "connection closed without an alert"
        case Reset():
            return "connection reset"
        case NoAnswer():
            return "no answer in time"
        case ProtocolViolation(detail=detail) | InternalFault(detail) | NotConnected(detail=detail):
            return detail
        case NotSent(reason):
            return reason
        case kind:
            assert_never(kind)


def kind_of(response: Response) -> str | None:
    """Return the kind of a refusal, as one server repeats it; None for any other response."""
    match response:
        case AlertReceived() | Closed() | Reset() | NoAnswer():
            return describe(response)
        case ProtocolViolation():
            return "an answer that breaks TLS"
        case NotConnected():
            return "no connection"
        case Accepted() | AcceptedSSL2() | InternalFault() | NotSent():
            return None
        case kind:
            assert_never(kind)
