"""When a response proves something.

An accepted hello does. A refusal does only when it is repeated, when hellos that the server accepts are
still accepted around it, and when the same server never refused in this way what it then accepted: a
rate limit, an overloaded server or a lossy path refuses too, with any alert, an end, a reset or silence.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar, assert_never

from port443.core.probe.query import (
    Accepted,
    AcceptedSSL2,
    AlertReceived,
    Closed,
    NoAnswer,
    NotSent,
    Probe,
    ProtocolViolation,
    Query,
    Reset,
    Response,
    TLSQuery,
    describe,
    kind_of,
)
from port443.core.probe.verdict import Verdict, no, unknown

T = TypeVar("T")
CONTROLS = 6
"""Control hellos in a row, each later than the one before, after which the scan gives up."""
UNCHECKED = 2
"""Refusals of one query before a control hello is due."""
AGREEING = 2
"""Responses of the same kind that make a refusal."""
REFUSALS = (AlertReceived, Closed, Reset, ProtocolViolation)
"""What can be a refusal; silence and a failed connection never are."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The server does not take the offer."""

    how: str
    by_version: bool = False
    """Whether the alert names the version as its reason."""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """Nothing was determined."""

    reason: str


Outcome: TypeAlias = Accepted | AcceptedSSL2 | Refused | Inconclusive


def absence_of(outcome: Outcome) -> Verdict:
    """Return whether a feature is there that was requested, and was not the server's own choice."""
    match outcome:
        case Refused(how):
            return no(how)
        case Accepted() | AcceptedSSL2():
            return no(f"the server chose {describe(outcome)}")
        case Inconclusive(reason):
            return unknown(reason)
        case kind:
            assert_never(kind)


Queries: TypeAlias = tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class _Believed:
    """A refusal that counts, and for what."""

    refused: Refused
    kind: str
    last: int
    """The number of the last query that it rests on."""


class ControlProbe:
    """A hello that the server has accepted before, and the conclusions of a scan from its repetition.

    Queries are numbered as they are sent, so that the order of refusals and successes is known.
    """

    def __init__(self, query: TLSQuery | None) -> None:
        """Without a query, as in tests only, every refusal counts immediately."""
        self.query = None if query is None else replace(query, is_control=True)
        self.stopped: str | None = None
        """Why no more queries are sent."""
        self.is_careful = False
        """Whether refusals of this server were noise: then each query is sent more often."""
        self._sent = 0
        self._last_success = 0
        self._last_refusal = 0
        self._failed: dict[Query, set[str]] = {}
        self._noise: set[str] = set()
        self._is_unclear = False
        self._accepted: dict[Query, Accepted | AcceptedSSL2] = {}
        self._refused: dict[Queries, _Believed] = {}

    def number(self) -> int:
        """Return the number of the next query."""
        self._sent += 1
        return self._sent

    @property
    def latest(self) -> int:
        """The number of the query that was sent last, whosever it was."""
        return self._sent

    def note(self, query: Query, response: Response, number: int) -> None:
        """Record a response: a refusal of what is accepted another time was noise."""
        if isinstance(response, Accepted | AcceptedSSL2):
            self._last_success = max(self._last_success, number)
            self._noise |= self._failed.pop(query, set())
            self._accepted.setdefault(query, response)
        elif (kind := kind_of(response)) is not None:
            self._failed.setdefault(query, set()).add(kind)

    def recall(self, queries: Queries) -> tuple[Outcome, Query] | None:
        """Return what is determined already."""
        for query in queries:
            if (accepted := self._accepted.get(query)) is not None:
                return accepted, query
        believed = self._refused.get(queries)
        return None if believed is None else (believed.refused, queries[0])

    def has_taken(self, query: Query) -> bool:
        """Whether a query was accepted before."""
        return query in self._accepted

    def is_checked_since(self, number: int) -> bool:
        """Whether a query that was sent after this one was accepted, whosever it was."""
        return self.query is None or self._last_success > number

    @property
    def last_refusal(self) -> int:
        """The number of the last query that a refusal rests on."""
        return self._last_refusal

    def is_noise(self, kind: str | None) -> bool:
        """Whether this server refuses in this way also what it accepts."""
        return kind in self._noise

    def believe(self, queries: Queries, response: Response, last: int) -> Refused:
        """Note a refusal; `withdraw` may take it back."""
        refused = Refused(describe(response), by_version=_is_by_version(response))
        self._refused[queries] = _Believed(refused, kind_of(response) or "", last)
        self._last_refusal = max(self._last_refusal, last)
        return refused

    def mark_unclear(self) -> None:
        """Record that a query got different responses; repetition may settle it."""
        self._is_unclear = True

    def withdraw(self) -> bool:
        """Revoke refusals that may be noise, or have no success after them.

        Return whether there is something to repeat: those, or what had no clear response.
        """
        doubtful = [
            queries
            for queries, believed in self._refused.items()
            if self.is_noise(believed.kind) or not self.is_checked_since(believed.last)
        ]
        for queries in doubtful:
            del self._refused[queries]
        is_unclear, self._is_unclear = self._is_unclear, False
        return bool(doubtful) or is_unclear


def confirm(query: Query, control: ControlProbe) -> Probe[Outcome]:
    """Send a query until it is clear whether the server takes the offer."""
    outcome, _ = yield from confirm_any((query,), control)
    return outcome


def confirm_any(queries: Queries, control: ControlProbe) -> Probe[tuple[Outcome, Query]]:
    """Send queries that offer the same in other shapes until one is accepted, or none of them is.

    The query that decides the outcome is returned with it: the accepted one, else the first.
    """
    if (known := control.recall(queries)) is not None:
        return known
    if control.stopped is not None:
        return Inconclusive(control.stopped), queries[0]
    responses: list[Response] = []
    answered = control.latest
    for query in _attempts(queries, responses, is_single=control.query is None, again=control.is_careful):
        if len(responses) == UNCHECKED and (reason := (yield from check(control, answered))):
            return Inconclusive(reason), queries[0]
        response = yield from attempt(query, control)
        answered = control.latest
        if isinstance(response, Accepted | AcceptedSSL2):
            return response, query
        if isinstance(response, NotSent):
            return Inconclusive(response.reason), queries[0]
        responses.append(response)
    return _conclude(queries, responses, answered, control), queries[0]


def attempt(query: Query, control: ControlProbe) -> Probe[Response]:
    """Send a query once, unless it is known to be accepted; a refusal proves nothing."""
    if (known := control.recall((query,))) is not None and isinstance(known[0], Accepted | AcceptedSSL2):
        return known[0]
    if control.stopped is not None:
        return NotSent(control.stopped)
    number = control.number()
    response = yield query
    control.note(query, response, number)
    return response


def _attempts(
    queries: Queries, responses: Sequence[Response], *, is_single: bool, again: bool
) -> Iterator[Query]:
    """Yield the queries in the order of sending; the responses so far decide which make sense.

    Other shapes of the same offer are repetitions of it, and tell intolerance from refusal; an alert that
    names the version is independent of the shape.
    """
    first, *others = queries
    if is_single:
        yield from queries
        return
    for _ in range(2 if again else 1):
        yield first
        if others and not _is_by_version(responses[-1]):
            yield from others
            if len(others) > 1:
                continue
        else:
            yield first
        if not all(isinstance(one, NoAnswer) for one in responses):
            yield first


def _is_by_version(response: Response) -> bool:
    return isinstance(response, AlertReceived) and response.alert.name == "protocol_version"


def check(control: ControlProbe, number: int) -> Probe[str | None]:
    """See that a hello is accepted that was sent after this number; return why not.

    The runner sends each control hello after a refused one later than the one before.
    """
    response: Response | None = None
    for _ in range(CONTROLS):
        if control.query is None or control.is_checked_since(number):
            return None
        if control.stopped is not None:
            return control.stopped
        sent = control.number()
        response = yield control.query
        control.note(control.query, response, sent)
        if isinstance(response, NotSent):
            return response.reason
    if control.query is None or control.is_checked_since(number) or response is None:
        return None
    control.stopped = f"{describe(response)}, and the server no longer answers what it answered before"
    return control.stopped


def _conclude(
    queries: Queries, responses: Sequence[Response], last: int, control: ControlProbe
) -> Refused | Inconclusive:
    """Return the outcome of responses of which none is a success."""
    by_kind = {kind_of(one): one for one in responses if isinstance(one, REFUSALS)}
    counts = Counter(kind_of(one) for one in responses)
    kind = max(by_kind, key=lambda one: (not control.is_noise(one), counts[one]), default=None)
    if kind is None:
        if any(control.is_noise(one) for one in counts):
            control.mark_unclear()
        return Inconclusive(describe(responses[-1]))
    if control.is_noise(kind):
        return Inconclusive(f"{kind}, as this server also answers hellos that it accepts")
    is_alone = control.query is None and isinstance(by_kind[kind], AlertReceived)
    if counts[kind] < AGREEING and not is_alone:
        control.mark_unclear()
        return Inconclusive(" and then ".join(dict.fromkeys(describe(one) for one in responses)))
    return control.believe(queries, by_kind[kind], last)
