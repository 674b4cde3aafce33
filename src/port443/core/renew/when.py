"""When a certificate should be renewed, and when to try again after a failure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from port443.core.renew.information import RenewalInformation

SHORT = timedelta(days=10)
"""Up to this lifetime renewal is at half of it: a third of six days is too short for repairs."""
RENEW_AFTER, RENEW_SHORT_AFTER = 2 / 3, 1 / 2
SPREAD = 1 / 20
LAST_SHARE = 1 / 20
"""In this last share of its life a certificate is renewed, whatever else says when."""
JITTER_BITS = 32
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MAX_DOUBLINGS = 16
ORDER_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 120, 240, 360))
"""No more than four attempts in an hour: CAs count failed validations of a name, and Let's Encrypt refuses
the sixth within an hour."""
TRIES_IN_HAND = 8
"""How often at least an order is tried again before a certificate ends, however often it has failed."""

RenewalReason = Literal["policy", "renewal_information", "share_of_life", "end_of_life"]
"""`policy`: names, key type or profile are others than it has. `renewal_information`: the CA said when.
`share_of_life`: our own rule. `end_of_life`: the last twentieth begins before what else was said."""


class Dated(Protocol):
    """Anything with a lifetime: a certificate, or the facts of one."""

    @property
    def not_before(self) -> datetime: ...

    @property
    def not_after(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Renewal:
    """When a certificate is to be renewed, and why then."""

    at: datetime
    reason: RenewalReason


def renewal(
    dated: Dated, jitter: float, information: RenewalInformation | None, *, fits_policy: bool = True
) -> Renewal:
    """Return when to renew a certificate of a CA; one that does not fit the policy is due since it began.

    The CA's renewal information counts before the share of life, and the last twentieth of life before both.
    """
    if not fits_policy:
        return Renewal(dated.not_before, "policy")
    last = dated.not_after - max(dated.not_after - dated.not_before, timedelta()) * LAST_SHARE
    found = (
        Renewal(information.renew_at, "renewal_information")
        if information
        else Renewal(renew_at(dated, jitter), "share_of_life")
    )
    return found if found.at <= last else Renewal(last, "end_of_life")


def renew_at(dated: Dated, jitter: float = 0.0) -> datetime:
    """Return when to renew: after two thirds of the lifetime, half of a short one, and never later.

    `jitter`, from 0 to 1, moves the time forward by up to a twentieth of the lifetime, so that
    certificates of one day are not renewed in one minute.
    """
    lifetime = dated.not_after - dated.not_before
    share = RENEW_SHORT_AFTER if lifetime <= SHORT else RENEW_AFTER
    return dated.not_before + lifetime * (share - SPREAD * min(max(jitter, 0.0), 1.0))


def is_due(dated: Dated, now: datetime, jitter: float = 0.0) -> bool:
    """Whether it is time to renew. What has no lifetime, or is not yet valid at `now`, is always due."""
    return not dated.not_before <= now < renew_at(dated, jitter)


def jitter_of(name: str) -> float:
    """Return a number from 0 to 1 that is the name's own, so that names do not all renew at once."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[: JITTER_BITS // 8]) / (1 << JITTER_BITS)


def retry_pause(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row: a minute, doubled up to an hour."""
    return min(FIRST_PAUSE * (1 << min(max(failures - 1, 0), MAX_DOUBLINGS)), LONGEST_PAUSE)


def order_pause(failures: int, left: timedelta | None) -> timedelta:
    """Return how long to wait before a CA is asked again, after so many failures that it has counted.

    `left` is what the certificate in use has yet to live, None without one: of a short rest there is still
    enough for several attempts.
    """
    pause = ORDER_PAUSES[min(max(failures, 1), len(ORDER_PAUSES)) - 1]
    return pause if left is None else min(pause, max(left / TRIES_IN_HAND, FIRST_PAUSE))
