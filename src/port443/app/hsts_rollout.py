"""Raise each site's HSTS step by step: steps are stored, and none is taken without a proof."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from port443.core.errors import StoreError
from port443.core.plan import hsts
from port443.core.plan.hsts import HstsStep, next_step_due
from port443.ports import SiteMemory


class HstsRollout:
    """The step of each site. The store is read once; until that succeeds, only this memory counts."""

    def __init__(self, memory: SiteMemory) -> None:
        self._memory = memory
        self._steps: dict[str, HstsStep] = {}
        self._failed: dict[str, datetime] = {}
        self._is_restored = False
        self._unsaved: set[str] = set()

    async def load(self, sites: Iterable[str], now: datetime) -> StoreError | None:
        """Read the steps of sites; new sites start on the first one. Return the error of the store, if any.

        A step with a date in the future, set while the clock was ahead, is dated now.
        """
        fault = await self.restore()
        for site in sites:
            step = self._steps.get(site, HstsStep(0, now))
            self._set(site, HstsStep(step.step, min(step.since, now)))
            if site in self._failed:
                self._failed[site] = min(self._failed[site], now)
        return fault or await self._save()

    async def restore(self) -> StoreError | None:
        """Read the steps of sites without writing any; return the error of the store, if any."""
        if self._is_restored:
            return None
        try:
            steps, failed = await self._memory.hsts_memory()
        except StoreError as error:
            return error
        # While the store failed, a site may have got a step here: browsers hold us to the higher one.
        for site, stored in steps.items():
            self._steps[site] = max(stored, self._steps.get(site, stored), key=lambda step: step.step)
        for site, at in failed.items():
            self._failed[site] = max(at, self._failed.get(site, at))
        self._unsaved |= {site for site, step in self._steps.items() if step != steps.get(site)}
        self._is_restored = True
        return None

    def is_step_due(self, sites: Iterable[str], now: datetime) -> bool:
        """Whether one of the sites could take its next step."""
        dues = (next_step_due(self._steps[site]) for site in sites)
        return any(due <= now for due in dues if due)

    async def advance(self, sites: Iterable[str], now: datetime) -> StoreError | None:
        """Take each next step whose time has passed without a failed proof; return why it was not stored."""
        for site in sites:
            self._set(site, hsts.advance(self._steps[site], now, self._failed.get(site)))
        return await self._save()

    def _set(self, site: str, step: HstsStep) -> None:
        if step != self._steps.get(site):
            self._steps[site] = step
            self._unsaved.add(site)

    async def note_failed(self, failed: Mapping[str, datetime]) -> StoreError | None:
        """Record when proofs of sites failed; return the error of the store, if any."""
        for site, at in failed.items():
            self._failed[site] = max(at, self._failed.get(site, at))
            self._unsaved.add(site)
        return await self._save()

    def steps(self, sites: Iterable[str]) -> dict[str, HstsStep]:
        """Return the known steps of sites."""
        return {site: self._steps[site] for site in sites if site in self._steps}

    async def _save(self) -> StoreError | None:
        """Store the changes in one transaction; not before the stored steps have been read."""
        if not self._unsaved or not self._is_restored:
            return None
        steps = {site: self._steps[site] for site in self._unsaved if site in self._steps}
        failed = {site: self._failed[site] for site in self._unsaved if site in self._failed}
        try:
            await self._memory.save_hsts(steps, failed)
        except StoreError as error:
            return error
        self._unsaved.clear()
        return None
