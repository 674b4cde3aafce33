"""How one attempt speaks to its CA: what is lost is sent again, and a busy CA waited for, within bounds."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import count
from typing import NoReturn

from port443.core.acme.errors import AcmeError, CAUnreachable, OrderUnfinished
from port443.core.acme.flow import (
    JSON,
    Done,
    Event,
    Flow,
    Lost,
    Post,
    Publish,
    Replied,
    Report,
    Save,
    Signer,
    Wait,
    refusal,
)
from port443.core.acme.progress import OrderProgress, Waiting
from port443.core.acme.reply import Moment
from port443.core.acme.urls import host_of

TRIES = 4
"""How often a request is sent whose reply is lost, or says that the CA is busy."""
RETRY_PAUSE_S, RETRY_GROWTH = 0.05, 4
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 5.0
MAX_DOUBLINGS = 16
MAX_POLLS = 1000
PATIENCE_S = 30.0
"""A longer pause that a busy CA asks for is left to the next attempt."""
REPORTED_FROM_S = 1.0


class Attempt:
    """The exchange of one attempt, with its deadline. All that it yields are commands of `flow`."""

    def __init__(self, signer: Signer, now: Moment, within_s: float, names: tuple[str, ...]) -> None:
        self.now = now
        self._signer = signer
        self._ends_s = now.monotonic_s + within_s
        self._names = names
        self._took_s = 0.0
        self._asked_s: float | None = None

    def once(
        self, url: str, payload: Mapping[str, object] | None = None, accept: str = JSON
    ) -> Flow[Replied | Lost]:
        """Send a request once and return what came of it."""
        event = yield Post(url, payload, self._signer, accept)
        self._note(event)
        if isinstance(event, Done):
            raise AssertionError(f"nothing came of the request to {url}")  # noqa: TRY004 - a defect of the driver
        return event

    def send(
        self, url: str, payload: Mapping[str, object] | None = None, accept: str = JSON
    ) -> Flow[Replied]:
        """Send a request, several times if need be; return a reply that says more than that the CA is busy.

        When there is none in the end, raises `CAUnreachable`, or returns the last reply.
        """
        for tries in count(1):
            event = yield from self.once(url, payload, accept)
            if isinstance(event, Replied) and not self._is_busy(event, payload is None):
                return event
            if isinstance(event, Lost) and not isinstance(event.error, CAUnreachable):
                raise event.error
            pause = RETRY_PAUSE_S * RETRY_GROWTH ** (tries - 1) if self._asked_s is None else self._asked_s
            if tries == TRIES or pause > min(PATIENCE_S, self._ends_s - self.now.monotonic_s):
                if isinstance(event, Lost):
                    raise event.error
                return event
            yield from self.done(Wait(self.now.monotonic_s + pause))
        raise AssertionError("the count has no end")

    def accepted(
        self, what: str, url: str, payload: Mapping[str, object] | None = None, accept: str = JSON
    ) -> Flow[Replied]:
        """Send a request and return the reply when it is a success; else raise what the CA refuses."""
        answer = yield from self.send(url, payload, accept)
        if not answer.reply.is_success:
            raise self.refusal(answer, what)
        return answer

    def refusal(self, answer: Replied, what: str) -> AcmeError:
        return refusal(answer, what, self._names)

    def done(self, command: Publish | Save | Wait | Report) -> Flow[None]:
        """Have it carried out."""
        self._note((yield command))

    def report(self, progress: OrderProgress) -> Flow[None]:
        yield from self.done(Report(progress))

    def pause(self, what: str, url: str, turn: int) -> Flow[None]:
        """Wait before `url` is asked again: as long as the CA asked for, else longer at each turn.

        The first pause is as long as a reply takes, so that a CA next door is asked soon and one far away
        seldom. Raises `OrderUnfinished` when the time of the attempt is over.
        """
        grown = max(self._took_s, FIRST_PAUSE_S) * 2 ** min(turn, MAX_DOUBLINGS)
        pause = self._asked_s or min(grown, LONGEST_PAUSE_S)
        until_s = self.now.monotonic_s + pause
        if until_s > self._ends_s or turn >= MAX_POLLS:
            self._end(what, url, pause)
        if pause >= REPORTED_FROM_S:
            yield from self.report(Waiting(what, self.now.wall + timedelta(seconds=pause)))
        yield from self.done(Wait(until_s))

    def _end(self, what: str, url: str, pause: float) -> NoReturn:
        error = OrderUnfinished(
            f"{host_of(url)} has not finished {what} for {', '.join(self._names[:3])}",
            "the order stays open, and the next attempt goes on with it",
        )
        error.names, error.retry_at = self._names, self.now.wall + timedelta(seconds=pause)
        raise error

    def _is_busy(self, answer: Replied, is_harmless: bool) -> bool:  # noqa: FBT001 - named where it is given
        # A rate limit on what changes something is for the caller, who may have another CA.
        return answer.reply.status >= 500 or (answer.reply.status == 429 and is_harmless)

    def _note(self, event: Event) -> None:
        self.now = event.now
        if isinstance(event, Replied):
            self._took_s, self._asked_s = event.took_s, event.reply.pause_s(event.now)
        elif isinstance(event, Lost):
            self._asked_s = None
