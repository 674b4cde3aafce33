"""Whether a CA's rate limits have room for an order, by what was spent there, and else when they will."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from port443.core.errors import CertificateError
from port443.core.renew.known_cas import RateLimit, SpentKind
from port443.core.renew.records import Spent

LONGEST_PERIOD = timedelta(days=7)
"""No limit looks back further."""
HOURS_SHOWN = 48


class RateLimitSpent(CertificateError):
    """One more order would go beyond a rate limit of the CA, which would then refuse orders for days.

    It was not made. port443 counts what it has ordered, by the limits that the CA publishes, and orders by
    itself as soon as there is room; the message says when. What is served until then is not touched. Orders
    of other programs are not counted here. For trials there is the CA's staging environment, for instance
    `--issuer letsencrypt-staging`.
    """

    code = "P443-E260"
    fault = "operator"
    retry = True


@dataclass(frozen=True, slots=True)
class Demand:
    """What an order is about to spend."""

    kind: SpentKind
    subject: str
    what: str
    """What is counted, for people: `failed validations of app.example.com`."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a CA allows, and what it has counted."""

    ca: str
    limits: Sequence[RateLimit]
    spent: Sequence[Spent]

    def refusal(
        self, demands: Sequence[Demand], now: datetime, *, is_renewal: bool = False
    ) -> RateLimitSpent | None:
        """Return why an order has to wait, with the latest of the moments that it waits for.

        `is_renewal`: it will say what it replaces, which some limits exempt.
        """
        found = [
            (self._free_at(limit, demand, now), limit, demand)
            for demand in demands
            for limit in self.limits
            if limit.kind == demand.kind and not (is_renewal and limit.is_waived_by_replaces)
        ]
        if not found:
            return None
        free_at, limit, demand = max(found, key=lambda one: one[0])
        return _refused(self.ca, free_at, limit, demand) if free_at > now else None

    def _free_at(self, limit: RateLimit, demand: Demand, now: datetime) -> datetime:
        """Return when one more is within the limit."""
        moments = (one.at for one in self.spent if (one.kind, one.subject) == (demand.kind, demand.subject))
        # What is dated ahead was noted by a clock that was ahead: it counts as of now.
        recent = sorted(min(at, now) for at in moments if min(at, now) > now - limit.within)
        return recent[-limit.count] + limit.within if len(recent) >= limit.count else now


def _refused(ca: str, free_at: datetime, limit: RateLimit, demand: Demand) -> RateLimitSpent:
    hours = limit.within / timedelta(hours=1)
    span = f"{hours:g} h" if hours < HOURS_SHOWN else f"{hours / 24:g} days"
    error = RateLimitSpent(
        f"{ca} allows {limit.count} {demand.what} within {span}, and they are spent until "
        f"{free_at:%Y-%m-%d %H:%M} UTC",
        "it is ordered by itself then; for trials use the CA's staging environment",
    )
    error.retry_at = free_at
    return error
