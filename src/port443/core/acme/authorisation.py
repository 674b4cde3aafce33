"""Authorisations: what a CA wants proved of one name, and how it went (RFC 8555 §7.1.4)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from port443.core.acme.challenges import Challenge, ChallengeType
from port443.core.acme.errors import AcmeError, OrderLost, Problem, Subproblem
from port443.core.acme.jws import is_token
from port443.core.acme.problems import Circumstances, clean, error_for, read_problem
from port443.core.acme.reply import Document, Reply
from port443.core.acme.state import named
from port443.core.names import NameInvalid, SiteName

MAX_CHALLENGES = 32
SPOILT = frozenset({"invalid", "deactivated", "expired", "revoked"})


@dataclass(frozen=True, slots=True)
class FailedChallenge:
    """A challenge that the CA found not met."""

    type: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The CA's view of one name of an order."""

    url: str
    name: SiteName
    status: str
    challenges: tuple[Challenge, ...]
    """Those that we have an answer for."""
    types_offered: tuple[str, ...]
    failed: FailedChallenge | None

    @property
    def is_valid(self) -> bool:
        return self.status == "valid"

    @property
    def is_over(self) -> bool:
        """Whether nothing can make it valid any more."""
        return self.status in SPOILT


def read_authorisation(reply: Reply) -> Authorisation:
    """Read an authorisation; raises `CAReplyInvalid`."""
    document = reply.document()
    status = document.text("status")
    if status not in SPOILT | {"pending", "valid"}:
        raise reply.invalid(f"has an unknown status: {clean(status)[:40]!r}")
    listed = document.objects("challenges")[:MAX_CHALLENGES]
    failed = (FailedChallenge(clean(one.text("type")), read_problem(one.object("error").mapping(), 0))
              for one in listed if one.optional_text("status") == "invalid")  # fmt: skip
    return Authorisation(
        reply.url,
        _name(reply, document),
        status,
        tuple(_challenge(reply, one) for one in listed if one.text("type") in set(ChallengeType)),
        tuple(clean(one.text("type")) for one in listed),
        next(failed, None),
    )


def failure_of(authorisations: Sequence[Authorisation], ca: str) -> AcmeError:
    """Return why an order cannot become valid: one error for all names that failed."""
    spoilt = [one for one in authorisations if one.is_over]
    names = tuple(str(one.name) for one in spoilt)
    failed = [(one.name, one.failed) for one in spoilt if one.failed]
    if not failed:
        error = OrderLost(
            f"the authorisation of {', '.join(names)} at {ca} is {spoilt[0].status}",
            "the next attempt makes another order",
        )
        error.names = names
        return error
    first = failed[0][1]
    parts = tuple(
        part if part.name else replace(part, name=str(name))
        for name, one in failed
        for part in one.problem.subproblems or (Subproblem(one.problem.type, one.problem.detail, None),)
    )
    at = Circumstances(ca, f"to believe {first.type}", names=names, challenge=first.type)
    return error_for(replace(first.problem, subproblems=parts), at)


def _name(reply: Reply, document: Document) -> SiteName:
    found = document.object("identifier")
    value = found.text("value")
    try:
        return named(found.text("type"), f"*.{value}" if document.flag("wildcard") else value)
    except NameInvalid as error:
        raise reply.invalid(f"is for no name: {clean(value)[:80]!r}") from error


def _challenge(reply: Reply, document: Document) -> Challenge:
    token = document.text("token")
    if not is_token(token):
        # It becomes part of a path that is served, and of what is signed for it.
        raise reply.invalid(f"has a token that is none: {clean(token)[:40]!r}")
    status = document.optional_text("status") or "pending"
    return Challenge(
        ChallengeType(document.text("type")), document.own_url("url"), token, status == "pending"
    )
