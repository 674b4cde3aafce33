"""Lead sites up the HSTS ladder: what was promised is remembered, and no step is taken unproved."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from port443.core.errors import StoreError
from port443.core.plan.hsts import HstsStep, advance, next_step_due
from port443.ports import SiteMemory


class Ladder:
    """Where each site stands. The store is read once a site; as long as it fails, this memory counts."""

    def __init__(self, memory: SiteMemory) -> None:
        self._memory = memory
        self._steps: dict[str, HstsStep] = {}
        self._failed: dict[str, datetime] = {}
        self._recalled: set[str] = set()
        self._unsaved: set[str] = set()

    async def meet(self, sites: Iterable[str], now: datetime) -> StoreError | None:
        """Learn where sites stand; new ones stand on the first step. Return why the store was of no use."""
        fault = None
        for site in sites:
            try:
                if site not in self._recalled:
                    await self._recall(site, now)
            except StoreError as error:
                self._steps.setdefault(site, HstsStep(0, now))
                fault = error
            else:
                fault = await self._save(site) or fault
        return fault

    async def meet_undated(self, sites: Iterable[str]) -> StoreError | None:
        """Learn where sites stand and write nothing, where no clock is to be believed."""
        try:
            stored = {site: await self._memory.hsts_step(site) for site in sites if site not in self._steps}
        except StoreError as error:
            return error
        self._steps |= {site: step for site, step in stored.items() if step}
        return None

    def is_step_due(self, sites: Iterable[str], now: datetime) -> bool:
        """Whether one of the sites could take its next step."""
        dues = (next_step_due(self._steps[site]) for site in sites)
        return any(due <= now for due in dues if due)

    async def climb(self, sites: Iterable[str], now: datetime) -> StoreError | None:
        """Take each next step whose time has passed without a failed proof; return why it was not stored."""
        fault = None
        for site in sites:
            climbed = advance(self._steps[site], now, self._failed.get(site))
            if climbed != self._steps[site]:
                self._steps[site] = climbed
                self._unsaved.add(site)
                fault = await self._save(site) or fault
        return fault

    async def note_failed(self, failed: Mapping[str, datetime]) -> StoreError | None:
        """Remember when sites were seen served otherwise than meant; return why it was not stored."""
        fault = None
        for site, at in failed.items():
            self._failed[site] = max(at, self._failed.get(site, at))
            self._unsaved.add(site)
            fault = await self._save(site) or fault
        return fault

    def steps(self, sites: Iterable[str]) -> dict[str, HstsStep]:
        """Return where the sites stand, as far as that is known."""
        return {site: self._steps[site] for site in sites if site in self._steps}

    async def _recall(self, site: str, now: datetime) -> None:
        stored, failed = await self._memory.hsts_step(site), await self._memory.last_failed_proof(site)
        # While the store failed, the site may have got a step here: browsers hold us to the higher one.
        known = [step for step in (stored, self._steps.get(site)) if step]
        self._steps[site] = max(known, key=lambda step: step.step, default=HstsStep(0, now))
        if failed:
            self._failed[site] = max(failed, self._failed.get(site, failed))
        if self._steps[site] != stored:
            self._unsaved.add(site)
        self._recalled.add(site)

    async def _save(self, site: str) -> StoreError | None:
        if site not in self._unsaved:
            return None
        try:
            if step := self._steps.get(site):
                await self._memory.put_hsts_step(site, step)
            if failed := self._failed.get(site):
                await self._memory.record_failed_proof(site, failed)
        except StoreError as error:
            return error
        self._unsaved.discard(site)
        return None
