"""An issuer that asks somebody else, who answers when a test wants it."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from port443.app.certificates import Sources
from port443.app.local_ca import LocalCA
from port443.core.plan.desired import DesiredSite
from port443.core.renew.clock import ClockWrong
from port443.ports import Issued, Issuer, Progress
from waiting import HANG_S


@dataclass
class SlowIssuer:
    """Implements `Issuer` as one does that asks somebody else: it answers when it is told to."""

    ca: LocalCA
    is_local: bool = False
    within_s: float = 10 * HANG_S  # longer than any test waits
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    kept: frozenset[str] = frozenset()
    """The sites that it was last told to keep."""

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        progress("waiting for another CA")
        await self.answers.wait()
        return await self.ca.obtain(site, now, progress)

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> None:
        """There was nothing before, and it never fails."""

    def keep_only(self, sites: Collection[str]) -> None:
        self.kept = frozenset(sites)
        self.ca.keep_only(sites)


def use_slow_issuer(
    monkeypatch: pytest.MonkeyPatch, issuer: SlowIssuer, serves: Callable[[DesiredSite], bool]
) -> None:
    """Have some sites' certificates come from a slow issuer."""
    of, issuers = Sources.issuer, Sources.issuers.__get__

    def chosen(sources: Sources, site: DesiredSite) -> Issuer:
        return issuer if serves(site) else of(sources, site)

    monkeypatch.setattr(Sources, "issuer", chosen)
    monkeypatch.setattr(Sources, "issuers", property(lambda sources: (*issuers(sources), issuer)))
