"""Bring what runs to what is wanted: certificates, plan, apply, proof."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from port443.app.keep import Keeper, News
from port443.app.prove import Proof, prove
from port443.app.tickets import TicketRing
from port443.app.trust import publish_roots
from port443.core.errors import CertificateError
from port443.core.plan.desired import Credential, Desired, DesiredSite
from port443.core.plan.diff import diff
from port443.core.plan.hsts import HstsStep, advance
from port443.core.plan.planner import Plan, plan
from port443.core.plan.receipt import Receipt
from port443.core.plan.snapshot import Root
from port443.ports import Clock, Dial, Edge, Shelf, Store


@dataclass(frozen=True, slots=True)
class Tools:
    """The powers that serving needs."""

    edge: Edge
    keeper: Keeper
    store: Store
    dial: Dial
    clock: Clock
    shelf: Shelf


@dataclass(frozen=True, slots=True)
class Converged:
    """What one round brought about."""

    at: datetime
    desired: Desired
    plan: Plan
    receipt: Receipt
    credentials: Mapping[str, Credential]
    faults: Mapping[str, CertificateError]
    """Sites without a usable certificate, or whose new one was refused while the last good one is served."""
    ladder: Mapping[str, HstsStep]
    proofs: tuple[Proof, ...]
    changes: tuple[str, ...]
    """What differs from the round before, in plain words."""
    news: tuple[News, ...]
    """What happened to certificates."""
    warnings: Mapping[str, tuple[str, ...]]
    """What is not wrong with a site's own certificate, but will be."""

    @property
    def is_whole(self) -> bool:
        """Whether every site is served as it was meant to be, and was seen to be."""
        return not self.faults and self.receipt.is_whole and all(p.verdict == "same" for p in self.proofs)

    def with_proofs(self, proofs: tuple[Proof, ...]) -> "Converged":
        """Return the same round with newer proofs."""
        return replace(self, proofs=proofs)


class Converger:
    """Goes through the round; keeps nothing but the ticket ring and the last plan."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._ring = TicketRing.start(tools.clock.now())
        self._last: Plan | None = None

    @property
    def tickets_due(self) -> datetime:
        """When the next ticket key is due."""
        return self._ring.due

    def adopt(self, root: Root | None) -> None:
        """Start from what an adopted edge runs: tickets that it gave out stay good."""
        if root:
            self._ring = TicketRing.start(self._tools.clock.now(), root.ticket_keys)

    async def converge(self, desired: Desired) -> Converged:
        """Make certificates, plan, apply and prove; raise only when nothing of it could be applied."""
        now = self._tools.clock.now()
        if now >= self._ring.due:
            self._ring = self._ring.rotated(now)
        kept = await self._tools.keeper.ensure(desired.sites)
        await publish_roots(self._tools.store, self._tools.shelf)
        ladder = await self._climb(desired, now)
        meant = plan(desired, kept.credentials, hsts_steps=ladder, ticket_keys=self._ring.keys)
        receipt = await self._tools.edge.apply(meant)
        changes = tuple(str(change) for change in diff(self._last, meant)) if self._last else ()
        self._last = meant
        proofs = await self.prove(desired, kept.credentials)
        return Converged(
            at=now,
            desired=desired,
            plan=meant,
            receipt=receipt,
            credentials=kept.credentials,
            faults=kept.faults,
            ladder=ladder,
            proofs=proofs,
            changes=changes,
            news=tuple(kept.news),
            warnings=kept.warnings,
        )

    async def prove(self, desired: Desired, credentials: Mapping[str, Credential]) -> tuple[Proof, ...]:
        """Shake hands for every address and name, and remember which sites failed."""
        proofs = await prove(self._tools.dial, self._tools.clock, desired, credentials)
        failed = {proof.site: proof.at for proof in proofs if proof.verdict != "same"}
        for site, at in failed.items():
            await self._tools.store.record_failed_proof(site, at)
        return proofs

    async def _climb(self, desired: Desired, now: datetime) -> dict[str, HstsStep]:
        """Take the HSTS ladder's next step where the last one has passed without a failed proof."""
        on_ladder = [site for site in desired.sites if site.hsts == "ladder"]
        return {site.id: await self._step(site, now) for site in on_ladder}

    async def _step(self, site: DesiredSite, now: datetime) -> HstsStep:
        store = self._tools.store
        step = await store.hsts_step(site.id)
        if step is None:
            climbed = HstsStep(0, now)
        else:
            climbed = advance(step, now, await store.last_failed_proof(site.id))
        if climbed != step:
            await store.put_hsts_step(site.id, climbed)
        return climbed
