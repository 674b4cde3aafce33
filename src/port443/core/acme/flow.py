"""What a flow asks for, and what it is told: the two sides of every generator here.

A flow yields one command at a time and is sent one event for it. It holds no socket and no clock, so a test
can play any CA and any hour to it.
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from port443.core.acme.challenges import PendingAnswer
from port443.core.acme.errors import AcmeError, Problem
from port443.core.acme.jws import AccountKey
from port443.core.acme.problems import Circumstances, error_for, read_problem
from port443.core.acme.progress import OrderProgress
from port443.core.acme.reply import Moment, Reply
from port443.core.acme.state import OrderState
from port443.core.acme.urls import host_of

JSON = "application/json"
PEM_CHAIN = "application/pem-certificate-chain"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a request: an account, or a key that speaks for itself."""

    key: AccountKey = field(repr=False)
    account_url: str | None
    """None: the key stands in the request itself (`jwk`), as for a new account."""


@dataclass(frozen=True, slots=True)
class Post:
    """Send a signed request."""

    url: str
    payload: Mapping[str, object] | None
    """None: a POST-as-GET (RFC 8555 §6.3)."""
    signer: Signer
    accept: str = JSON


@dataclass(frozen=True, slots=True)
class Get:
    """Send a request that needs no signature."""

    url: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Have these answers given wherever a validator may ask, before anything else is sent."""

    answers: tuple[PendingAnswer, ...]


@dataclass(frozen=True, slots=True)
class Save:
    """Store the state for the next process, before anything else is sent."""

    state: OrderState


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing until then, on the monotonic clock."""

    until_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """Tell what has happened."""

    progress: OrderProgress


@dataclass(frozen=True, slots=True)
class Replied:
    """The CA replied to a `Post` or `Get`, with whatever status."""

    reply: Reply
    now: Moment
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lost:
    """No reply came that can be used: the CA may have done what it was asked, or not."""

    error: AcmeError
    now: Moment


@dataclass(frozen=True, slots=True)
class Done:
    """Any other command has been carried out."""

    now: Moment


Request = Post | Get
Command = Request | Publish | Save | Wait | Report
Event = Replied | Lost | Done
T = TypeVar("T")
Flow = Generator[Command, Event, T]


def requested(request: Request) -> Flow[Replied]:
    """Return the CA's reply, whatever its status; raises what the transport raised when none came."""
    event = yield request
    match event:
        case Replied():
            return event
        case Lost(error=error):
            raise error
        case _:
            raise AssertionError(f"{event} does not answer {request}")


def accepted(request: Request, doing: str, names: tuple[str, ...] = ()) -> Flow[Replied]:
    """Return the reply when it is a success; else raise what the CA refuses."""
    answer = yield from requested(request)
    if not answer.reply.is_success:
        raise refusal(answer, doing, names)
    return answer


def refusal(answer: Replied, doing: str, names: tuple[str, ...] = ()) -> AcmeError:
    """Return the error that a reply which is no success stands for."""
    reply = answer.reply
    if 300 <= reply.status < 400:
        return reply.invalid(f"leads elsewhere, to {(reply.location or 'nowhere')[:200]!r}")
    at = Circumstances(host_of(reply.url), doing, reply.retry_at(answer.now), names)
    return error_for(problem_in(reply), at)


def problem_in(reply: Reply) -> Problem:
    """Return the problem document of a reply; one without type and words when it holds none."""
    try:
        return read_problem(json.loads(reply.body.decode()), reply.status)
    except (ValueError, RecursionError):
        return Problem("", "", reply.status)
