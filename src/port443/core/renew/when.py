"""When a certificate should be renewed, and when to try again after a failure."""

from datetime import datetime, timedelta
from typing import Protocol

SHORT = timedelta(days=10)
"""Up to this lifetime half of it is kept in hand: a third of six days is no time to repair anything."""
RENEW_AFTER, RENEW_SHORT_AFTER = 2 / 3, 1 / 2
SPREAD = 1 / 20
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MAX_DOUBLINGS = 16


class Dated(Protocol):
    """Whatever has a lifetime: a certificate, or the facts of one."""

    @property
    def not_before(self) -> datetime: ...

    @property
    def not_after(self) -> datetime: ...


def renew_at(dated: Dated, jitter: float = 0.0) -> datetime:
    """Return when to renew: after two thirds of the lifetime, half of a short one, and never later.

    `jitter`, from 0 to 1, draws the moment forward by up to a twentieth of the lifetime, so that
    certificates of one day are not renewed in one minute.
    """
    lifetime = dated.not_after - dated.not_before
    share = RENEW_SHORT_AFTER if lifetime <= SHORT else RENEW_AFTER
    return dated.not_before + lifetime * (share - SPREAD * min(max(jitter, 0.0), 1.0))


def is_due(dated: Dated, now: datetime, jitter: float = 0.0) -> bool:
    """Whether it is time to renew. What has no lifetime, or has not begun by `now`, is always due."""
    return not dated.not_before <= now < renew_at(dated, jitter)


def retry_pause(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: a minute, doubled up to an hour."""
    return min(FIRST_PAUSE * (1 << min(max(failures - 1, 0), MAX_DOUBLINGS)), LONGEST_PAUSE)
