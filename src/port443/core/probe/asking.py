"""One question, one answer, and when an answer counts.

A lane is a generator: it yields what to ask, is sent what came back, and returns what that proves. It
touches no network and no clock, so a test can play any server.
"""

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar, assert_never

from port443.core.errors import ScanError
from port443.core.probe.failures import AnswerTimedOut, ConnectionEnded, ConnectionWasReset
from port443.core.probe.hellos import Offer
from port443.core.probe.verdict import Verdict, no, unknown
from port443.core.wire.alerts import Alert
from port443.core.wire.flight import Flight
from port443.core.wire.reading import Malformed, NotTLS
from port443.core.wire.versions import Version, version_label

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Send this hello on a connection of its own."""

    offer: Offer
    is_control: bool = False
    """Whether it repeats an accepted hello, to see that the server still answers as before."""


@dataclass(frozen=True, slots=True)
class AskSSL2:
    """Send the hello of SSL 2.0 on a connection of its own."""


@dataclass(frozen=True, slots=True)
class Spoke:
    """A ServerHello came, or a retry: the server took the offer."""

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
class SpokeSSL2:
    """A SERVER-HELLO of SSL 2.0 came."""

    ciphers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Alerted:
    """The server said no in the protocol's own words."""

    alert: Alert


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection was closed without a word."""


@dataclass(frozen=True, slots=True)
class WasReset:
    """The connection was cut by a TCP reset."""


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The connection stood, and nothing came."""


@dataclass(frozen=True, slots=True)
class Garbled:
    """What came was no TLS, or broke its rules."""

    detail: str
    hint: str = ""
    is_tls: bool = True
    """Whether it came in TLS records."""


@dataclass(frozen=True, slots=True)
class Faulted:
    """The answer met a fault of this program; it proves nothing."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """No connection came about."""

    detail: str
    error: ScanError | None = None


@dataclass(frozen=True, slots=True)
class NotAsked:
    """The question was not put any more."""

    reason: str


Question: TypeAlias = Ask | AskSSL2
Answer: TypeAlias = (
    Spoke | SpokeSSL2 | Alerted | Ended | WasReset | TimedOut | Garbled | Faulted | Unreached | NotAsked
)
Lane: TypeAlias = Generator[Question, Answer, T]


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not take the offer."""

    how: str
    by_version: bool = False
    """Whether the alert said that it was the version."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Nothing was learned."""

    reason: str


Outcome: TypeAlias = Spoke | SpokeSSL2 | Refused | Doubt
# These alerts speak of something else than the offer: of the name, or of the server's own state.
BESIDE_THE_POINT = frozenset(
    {"unrecognized_name", "internal_error", "user_canceled", "close_notify", "access_denied"}
)


class Canary:
    """A question that the server has answered before; when it no longer does, no refusal proves anything."""

    def __init__(self, question: Ask | None) -> None:
        self.question = None if question is None else replace(question, is_control=True)
        self.lost: str | None = None
        """Why it was given up."""


def answer_of(flight: Flight) -> Answer:
    """Say what a flight amounts to, however early it ended."""
    if flight.chosen is not None:
        return Spoke(flight)
    if flight.alerts:
        return Alerted(flight.alerts[-1])
    return Ended()


def answer_of_failure(error: ScanError) -> Answer:
    """Say what an error on the way amounts to."""
    match error:
        case ConnectionWasReset():
            return WasReset()
        case AnswerTimedOut():
            return TimedOut()
        case ConnectionEnded():
            return Ended()
        case Malformed():
            return Garbled(error.message, error.hint, is_tls=not isinstance(error, NotTLS))
        case _:
            return Unreached(error.message, error)


def told(answer: Answer) -> str:
    """Put an answer in words, for the reason of a verdict."""
    match answer:
        case Spoke():
            return version_label(answer.version)
        case SpokeSSL2():
            return Version.SSL_2.label
        case Alerted(alert):
            return f"alert {alert.name}"
        case Ended():
            return "connection closed without an alert"
        case WasReset():
            return "connection reset"
        case TimedOut():
            return "no answer in time"
        case Garbled(detail=detail) | Faulted(detail) | Unreached(detail=detail):
            return detail
        case NotAsked(reason):
            return reason
        case kind:
            assert_never(kind)


def absence_of(outcome: Outcome) -> Verdict:
    """Judge whether a version is there that was asked for, and was not what the server spoke."""
    match outcome:
        case Refused(how):
            return no(how)
        case Spoke() | SpokeSSL2():
            return no(f"the server chose {told(outcome)}")
        case Doubt(reason):
            return unknown(reason)
        case kind:
            assert_never(kind)


def settled(question: Question, canary: Canary) -> Lane[Outcome]:
    """Ask until it is clear whether the server takes the offer.

    A no counts only when the canary is still answered after it: a server that has begun to turn this
    client away may do so with any alert. A reset, an end or a stranger's answer must happen again as
    well; silence never counts.
    """
    if canary.lost is not None:
        return Doubt(canary.lost)
    answer = yield question
    if isinstance(answer, Spoke | SpokeSSL2):
        return answer
    if (doubt := (yield from _control(answer, canary))) is not None:
        return doubt
    if (refused := _refused(answer)) is not None:
        return refused
    if canary.question is None:
        return Doubt(told(answer))
    again = yield question
    if isinstance(again, Spoke | SpokeSSL2):
        return again
    if type(again) is type(answer) and isinstance(again, Ended | WasReset | Garbled | Alerted):
        return Refused(told(again))
    refused = _refused(again)
    return Doubt(told(again)) if refused is None else (yield from _control(again, canary)) or refused


def _control(answer: Answer, canary: Canary) -> Lane[Doubt | None]:
    """Ask the canary after an answer that is no yes; return the doubt when it is not answered."""
    if isinstance(answer, NotAsked):
        return Doubt(told(answer))
    if canary.question is None:
        return None
    control = yield canary.question
    if isinstance(control, Spoke):
        return None
    if isinstance(control, NotAsked):
        return Doubt(told(control))
    canary.lost = f"{told(answer)}, and the server no longer answers what it answered before"
    return Doubt(canary.lost)


def _refused(answer: Answer) -> Refused | None:
    """Return the refusal in an alert about the offer."""
    if isinstance(answer, Alerted) and answer.alert.name not in BESIDE_THE_POINT:
        return Refused(told(answer), by_version=answer.alert.name == "protocol_version")
    return None
