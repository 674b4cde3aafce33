"""Renewal information of a CA (RFC 9773): a moment drawn once from its window, and when to poll again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

POLL_AFTER_FAILURE = timedelta(hours=6)
"""RFC 9773 §4.3.3."""


@dataclass(frozen=True, slots=True)
class RenewalWindow:
    """When a CA would like to be asked for the next certificate. Its end is not before its start."""

    start: datetime
    end: datetime
    explanation: str | None = None
    """A URL that says why, for people."""


@dataclass(frozen=True, slots=True)
class RenewalInformation:
    """The last window of a certificate, with the moment that was drawn from it."""

    window: RenewalWindow
    renew_at: datetime
    next_poll: datetime


def informed(
    known: RenewalInformation | None,
    window: RenewalWindow,
    next_poll: datetime,
    draw: float,
) -> RenewalInformation:
    """Return what is known after a poll. The moment stays as long as the window holds it.

    `draw`, from 0 to 1, says where in the window. With a draw at each poll a client would wander through
    the window, and renew early or not at all.
    """
    if known and window.start <= known.renew_at <= window.end:
        return RenewalInformation(window, known.renew_at, next_poll)
    at = window.start + (window.end - window.start) * min(max(draw, 0.0), 1.0)
    return RenewalInformation(window, at, next_poll)
