"""A round: plan with what there is, apply, prove. Nothing in it is slow.

What sites need comes from jobs (`certificates.py`); a round waits for nothing but the edge and its own
handshakes with it.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from port443.app.certificates import CertificateManager
from port443.app.hsts_rollout import HstsRollout
from port443.app.prove import Proof, proof_targets, prove
from port443.app.tickets import TicketRing
from port443.app.trust import publish_roots
from port443.core.acme.challenges import HttpAnswer, PendingAnswer, TlsAlpnAnswer
from port443.core.contract.receipt import Receipt, SitePending
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
from port443.core.x509.path import TrustedRoots
from port443.ports import Clock, Dial, Edge, Progress, PublicFiles, Store


@dataclass(frozen=True, slots=True)
class Services:
    """The powers that serving needs."""

    edge: Edge
    certificates: CertificateManager
    store: Store
    dial: Dial
    """Connects to our own listeners, and announces each connection to the edge."""
    outward: Dial
    """The way to the servers behind the sites."""
    clock: Clock
    public_files: PublicFiles
    loopback: Callable[[], Collection[str]]
    """The loopback addresses that this machine has now."""
    roots: Callable[[], Awaitable[TrustedRoots]] | None = None
    """The roots that clients of our sites believe; without them our own sites are not scanned."""


@dataclass(frozen=True, slots=True)
class RoundResult:
    """The result of one round."""

    at: datetime
    desired: Desired
    plan: Plan
    receipt: Receipt
    needs: Mapping[str, SiteNeeds]
    """The needs of each site, by its id; a site that breaks the contract has its fault instead."""
    hsts_steps: Mapping[str, HstsStep]
    proofs: tuple[Proof, ...]
    changes: tuple[str, ...]
    """The differences from the round before, one sentence each."""
    events: tuple[CertificateEvent, ...]
    """The events of certificates since the round before."""
    store_fault: StoreError | None
    """The error of the store, if any; what could not be stored is kept in memory meanwhile."""

    def published(self, site: str) -> tuple[PendingAnswer, ...]:
        """Return what ACME servers are answered for a site, at every address and by every worker."""
        need = self.needs.get(site)
        return tuple(answer for answer in need.answers if self._is_given(answer)) if need else ()

    def _is_given(self, answer: PendingAnswer) -> bool:
        match answer:
            case TlsAlpnAnswer(server_name=name):
                return name in self.plan.challenges.tls_alpn and name not in self.receipt.refused_challenges
            case HttpAnswer(token=token):
                return token in self.plan.challenges.http
            case kind:
                assert_never(kind)

    @property
    def running(self) -> Hash:
        """The hash of what the edge runs now."""
        return self.receipt.root

    @property
    def credentials(self) -> dict[str, Credential]:
        """The credential of each site that has one."""
        return {site: need.credential for site, need in self.needs.items() if need.credential}

    @property
    def faults(self) -> dict[str, Port443Error]:
        """The faults of sites: no usable certificate, a new one refused, or the contract broken."""
        return {site: need.fault for site, need in self.needs.items() if need.fault}

    @property
    def pending(self) -> dict[str, str]:
        """What sites wait for whose first certificate is on order."""
        states = self.receipt.sites
        return {
            site: need.waits_for
            for site, need in self.needs.items()
            if need.waits_for and isinstance(states.get(site), SitePending)
        }

    @property
    def is_proved(self) -> bool:
        """Whether every handshake matched."""
        return all(proof.verdict == "same" for proof in self.proofs)

    @property
    def is_whole(self) -> bool:
        """Whether every site is served as the settings demand, by a proof."""
        return not self.faults and not self.store_fault and self.receipt.is_whole and self.is_proved


@dataclass(frozen=True, slots=True)
class _Inputs:
    """All that a plan is made of."""

    desired: Desired
    needs: Mapping[str, SiteNeeds]
    hsts_steps: Mapping[str, HstsStep]
    ring: TicketRing

    def planned(self, bare: Collection[str] = (), left_out: Collection[str] = ()) -> Plan:
        """Return the plan, without the needs of some sites, and without other sites altogether."""
        return plan(
            _without(self.desired, left_out),
            {site: need for site, need in self.needs.items() if site not in bare},
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
    """Runs rounds. It keeps the last result, the ticket keys and the HSTS rollout."""

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
        """Start from what an adopted edge runs: tickets that it issued stay valid."""
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
        intended, receipt, broken = await self._apply(_Inputs(desired, needs, steps, ring))
        needs |= {
            site: replace(needs[site], credential=None, answers=(), fault=why) for site, why in broken.items()
        }
        # Not the root that was applied: older ticket keys were lost with the edge that had them.
        self._ring = ring if receipt.root == intended.hash else ring.without_older()
        fault = fault or await self._save(receipt)
        proofs, proof_fault = await self._prove(desired, needs, progress=progress)
        self._last = RoundResult(
            at=now,
            desired=desired,
            plan=intended,
            receipt=receipt,
            needs=needs,
            hsts_steps=steps,
            proofs=proofs,
            changes=tuple(str(change) for change in diff(self._last.plan, intended)) if self._last else (),
            events=certificates.take_events(),
            store_fault=fault or proof_fault,
        )
        return self._last

    async def _apply(self, inputs: "_Inputs") -> tuple[Plan, Receipt, Mapping[str, DocumentInvalid]]:
        """Apply a plan; when it breaks the contract, without the sites that are the cause.

        First without their credentials and client CAs (the edge keeps their last good version), and then
        without them altogether. Return what was applied, and the faults.
        """
        intended = inputs.planned()
        try:
            return intended, await self._services.edge.apply(intended), {}
        except DocumentInvalid:
            broken = breaches(intended)
            if not broken:
                raise
        intended = inputs.planned(bare=broken)
        if whole := breaches(intended):
            intended = inputs.planned(bare=broken, left_out=whole)
        return intended, await self._services.edge.apply(intended), broken

    async def publish(self, last: RoundResult) -> RoundResult:
        """Have the edge answer the challenges that are pending now, and leave all else as it is.

        Nothing is planned anew or proved, so that an order waits for no handshake of another site. When
        this returns, every address and worker answers. Raises `EdgeError` when the edge does not take it.
        """
        pending = self._services.certificates.needs(last.desired.sites)
        answers = {site: need.answers for site, need in pending.items() if site in last.plan.root.sites}
        intended = last.plan.answering(answers)
        receipt = await self._services.edge.apply(intended)
        needs = {site: replace(need, answers=answers.get(site, ())) for site, need in last.needs.items()}
        self._last = replace(last, plan=intended, receipt=receipt, needs=needs)
        return self._last

    async def prove_again(self, last: RoundResult) -> RoundResult:
        """Repeat the handshakes that did not match."""
        wrong = {proof.target for proof in last.proofs if proof.verdict != "same"}
        proofs, fault = await self._prove(last.desired, last.needs, only=wrong)
        seen = {proof.target: proof for proof in proofs}
        merged = tuple(seen.get(proof.target, proof) for proof in last.proofs)
        self._last = replace(last, proofs=merged, store_fault=last.store_fault or fault)
        return self._last

    async def _advance_hsts(self, sites: Collection[str]) -> StoreError | None:
        """Advance the HSTS rollout where a step is due and the proofs of this round match."""
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
        """Store what the edge runs of operators' files."""
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
        """Make a handshake for every address and name, or for some; record the sites that failed."""
        credentials = {site: need.credential for site, need in needs.items() if need.credential}
        targets = proof_targets(desired, credentials, self._services.loopback())
        wanted = [target for target in targets if only is None or target.key in only]
        undated = self._services.certificates.clock_fault()
        if progress:
            progress(f"proving what is served by {len(wanted)} handshakes")
        proofs = await prove(self._services.dial, self._services.clock, wanted, checks_dates=not undated)
        if undated:
            return proofs, None
        failed = {proof.site: proof.at for proof in proofs if proof.verdict != "same"}
        return proofs, await self._hsts.note_failed(failed)
