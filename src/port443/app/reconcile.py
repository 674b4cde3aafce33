"""A round: bring what runs to what is wanted. Plan with what there is, apply, prove, and nothing slow.

What sites need is brought by jobs (`certificates.py`); a round waits for nothing but the edge and its own
handshakes with it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from port443.app.certificates import CertificateManager
from port443.app.hsts_rollout import HstsRollout
from port443.app.prove import Proof, prove, questions
from port443.app.tickets import TicketRing
from port443.app.trust import publish_roots
from port443.core.contract.receipt import Receipt
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Hash, Root
from port443.core.control.events import CertificateEvent
from port443.core.errors import Port443Error, StoreError
from port443.core.names import Endpoint
from port443.core.plan.breaches import breaches
from port443.core.plan.desired import Credential, Desired, SiteNeeds
from port443.core.plan.diff import diff
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan, plan
from port443.ports import Clock, Dial, Edge, Progress, PublicFiles, Store


@dataclass(frozen=True, slots=True)
class Services:
    """The powers that serving needs."""

    edge: Edge
    certificates: CertificateManager
    store: Store
    dial: Dial
    """The way to our own listeners; the edge is told that it is we who come."""
    outward: Dial
    """The way to the servers behind the sites."""
    clock: Clock
    public_files: PublicFiles
    loopback: Callable[[], Collection[str]]
    """The loopback addresses that this machine has now."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """What one round brought about."""

    at: datetime
    desired: Desired
    plan: Plan
    receipt: Receipt
    needs: Mapping[str, SiteNeeds]
    """What there was for each site, by its id; a site that breaks the contract has its fault instead."""
    hsts_steps: Mapping[str, HstsStep]
    proofs: tuple[Proof, ...]
    changes: tuple[str, ...]
    """What differs from the round before, in plain words."""
    events: tuple[CertificateEvent, ...]
    """What happened to certificates since the round before."""
    store_fault: StoreError | None
    """Why the store was of no use; what it should have kept is kept in memory meanwhile."""

    @property
    def running(self) -> Hash:
        """The hash of what the edge runs since."""
        return self.receipt.root

    @property
    def credentials(self) -> dict[str, Credential]:
        """What each site is served with that has a certificate."""
        return {site: need.credential for site, need in self.needs.items() if need.credential}

    @property
    def faults(self) -> dict[str, Port443Error]:
        """What is wrong with sites: no usable certificate, a new one refused, or the contract broken."""
        return {site: need.fault for site, need in self.needs.items() if need.fault}

    @property
    def is_proved(self) -> bool:
        """Whether every handshake showed what was meant."""
        return all(proof.verdict == "same" for proof in self.proofs)

    @property
    def is_whole(self) -> bool:
        """Whether every site is served as it was meant to be, and was seen to be."""
        return not self.faults and not self.store_fault and self.receipt.is_whole and self.is_proved


@dataclass(frozen=True, slots=True)
class _Wish:
    """All that a plan is made of."""

    desired: Desired
    needs: Mapping[str, SiteNeeds]
    hsts_steps: Mapping[str, HstsStep]
    ring: TicketRing
    nobody: bytes
    """What stands for a site's client CAs while none is known: one that has signed for nobody."""

    def planned(self, bare: Collection[str] = (), left_out: Collection[str] = ()) -> Plan:
        """Return the plan, without what some sites need, and without other sites altogether."""
        needs = {site: need for site, need in self.needs.items() if site not in bare}
        asking = {site: roots for site, need in needs.items() if (roots := need.client_roots) is not None}
        return plan(
            _without(self.desired, left_out),
            {site: need.credential for site, need in needs.items() if need.credential},
            client_roots={site: roots or (self.nobody,) for site, roots in asking.items()},
            hsts_steps=self.hsts_steps,
            ticket_keys=self.ring.keys,
        )


def _without(desired: Desired, sites: Collection[str]) -> Desired:
    return replace(
        desired,
        sites=tuple(site for site in desired.sites if site.id not in sites),
        default_site=None if desired.default_site in sites else desired.default_site,
    )


class Reconciler:
    """Goes through the round. It remembers the last one, the ticket ring and the HSTS ladder."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hsts = HstsRollout(services.store)
        self._ring = TicketRing.start(services.clock.now())
        self._last: RoundResult | None = None

    @property
    def tickets_due(self) -> datetime:
        """When the next ticket key is due."""
        return self._ring.due

    def adopt(self, root: Root | None) -> None:
        """Start from what an adopted edge runs: tickets that it gave out stay good."""
        if root:
            self._ring = TicketRing.start(self._services.clock.now(), root.ticket_keys)

    async def reconcile(self, desired: Desired, progress: Progress | None = None) -> RoundResult:
        """Plan, apply and prove; raise only when nothing of it could be applied."""
        certificates = self._services.certificates
        on_ladder = [site.id for site in desired.sites if site.hsts == "ladder"]
        hsts_fault = await self._advance_hsts(on_ladder)
        now = self._services.clock.now()
        needs = certificates.needs(desired.sites)
        fault = await self._publish() or hsts_fault
        if fault and self._last is None and not any(need.credential for need in needs.values()):
            raise fault  # nothing could be served, and the operator is looking
        steps = self._hsts.steps(on_ladder)
        ring = self._ring.rotated(now) if now >= self._ring.due else self._ring
        if progress:
            progress("it applies the snapshot")
        meant, receipt, broken = await self._apply(_Wish(desired, needs, steps, ring, certificates.nobody()))
        needs |= {site: replace(needs[site], credential=None, fault=why) for site, why in broken.items()}
        # Another root than was meant: older ticket keys went with the edge that had them.
        self._ring = ring if receipt.root == meant.hash else ring.alone()
        fault = fault or await self._save(receipt)
        proofs, proof_fault = await self._prove(desired, needs, progress=progress)
        self._last = RoundResult(
            at=now,
            desired=desired,
            plan=meant,
            receipt=receipt,
            needs=needs,
            hsts_steps=steps,
            proofs=proofs,
            changes=tuple(str(change) for change in diff(self._last.plan, meant)) if self._last else (),
            events=certificates.take_events(),
            store_fault=fault or proof_fault,
        )
        return self._last

    async def _apply(self, wish: "_Wish") -> tuple[Plan, Receipt, Mapping[str, DocumentInvalid]]:
        """Apply a plan; when it breaks the contract, without the sites that are the cause.

        First without their credentials and client CAs (the edge goes on with their last good version), and
        then without them altogether. Return what was applied, and what was wrong.
        """
        meant = wish.planned()
        try:
            return meant, await self._services.edge.apply(meant), {}
        except DocumentInvalid:
            broken = breaches(meant)
            if not broken:
                raise
        meant = wish.planned(bare=broken)
        if whole := breaches(meant):
            meant = wish.planned(bare=broken, left_out=whole)
        return meant, await self._services.edge.apply(meant), broken

    async def prove_again(self, last: RoundResult) -> RoundResult:
        """Shake hands again where that showed something else than was meant."""
        wrong = {proof.question for proof in last.proofs if proof.verdict != "same"}
        proofs, fault = await self._prove(last.desired, last.needs, only=wrong)
        seen = {proof.question: proof for proof in proofs}
        merged = tuple(seen.get(proof.question, proof) for proof in last.proofs)
        self._last = replace(last, proofs=merged, store_fault=last.store_fault or fault)
        return self._last

    async def _advance_hsts(self, sites: Collection[str]) -> StoreError | None:
        """Take the steps of the HSTS ladder that are due, where what runs is seen to be right just now."""
        now = self._services.clock.now
        if self._services.certificates.clock_fault():
            return await self._hsts.restore()
        fault = await self._hsts.load(sites, now())
        if self._last is None or not self._hsts.is_step_due(sites, now()):
            return fault
        proofs, unsaved = await self._prove(self._last.desired, self._last.needs)
        seen = {proof.site for proof in proofs}
        return await self._hsts.advance(seen.intersection(sites), now()) or unsaved or fault

    async def _publish(self) -> StoreError | None:
        try:
            await publish_roots(self._services.store, self._services.public_files)
        except StoreError as error:
            return error
        return None

    async def _save(self, receipt: Receipt) -> StoreError | None:
        """Remember what the edge runs of owners' files."""
        try:
            await self._services.certificates.save(receipt.sites.keys() - receipt.quarantined.keys())
        except StoreError as error:
            return error
        return None

    async def _prove(
        self,
        desired: Desired,
        needs: Mapping[str, SiteNeeds],
        only: Collection[tuple[Endpoint, str]] | None = None,
        progress: Progress | None = None,
    ) -> tuple[tuple[Proof, ...], StoreError | None]:
        """Shake hands for every address and name, or for some; remember which sites failed."""
        credentials = {site: need.credential for site, need in needs.items() if need.credential}
        asked = questions(desired, credentials, self._services.loopback())
        wanted = [question for question in asked if only is None or question.key in only]
        undated = self._services.certificates.clock_fault()
        if progress:
            progress(f"it proves by {len(wanted)} handshakes what is served")
        proofs = await prove(self._services.dial, self._services.clock, wanted, judges_dates=not undated)
        if undated:
            return proofs, None
        failed = {proof.site: proof.at for proof in proofs if proof.verdict != "same"}
        return proofs, await self._hsts.note_failed(failed)
