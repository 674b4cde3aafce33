"""Bring what runs to what is wanted: certificates, plan, apply, proof."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from port443.app.certificates import CertificateEvent, CertificateManager
from port443.app.hsts_rollout import HstsRollout
from port443.app.prove import Proof, prove, questions
from port443.app.tickets import TicketRing
from port443.app.trust import publish_roots
from port443.core.contract.receipt import Receipt
from port443.core.contract.shape import DocumentInvalid
from port443.core.contract.snapshot import Hash, Root
from port443.core.errors import Port443Error, StoreError
from port443.core.names import Endpoint
from port443.core.plan.breaches import breaches
from port443.core.plan.desired import Credential, Desired
from port443.core.plan.diff import diff
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan, plan
from port443.ports import Clock, Dial, Edge, PublicFiles, Store


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
    credentials: Mapping[str, Credential]
    client_roots: Mapping[str, tuple[bytes, ...]]
    """DER of the CAs of which a site's clients must show a certificate; none known, and nobody comes in."""
    faults: Mapping[str, Port443Error]
    """Sites without a usable certificate, or whose new one was refused while the last good one is served, or
    that break the contract."""
    hsts_steps: Mapping[str, HstsStep]
    proofs: tuple[Proof, ...]
    changes: tuple[str, ...]
    """What differs from the round before, in plain words."""
    news: tuple[CertificateEvent, ...]
    """What happened to certificates."""
    warnings: Mapping[str, tuple[str, ...]]
    """What is not wrong with a site's own certificate, but will be."""
    store_fault: StoreError | None
    """Why the store was of no use; what it should have kept is kept in memory meanwhile."""

    @property
    def running(self) -> Hash:
        """The hash of what the edge runs since."""
        return self.receipt.root

    @property
    def is_proved(self) -> bool:
        """Whether every handshake showed what was meant."""
        return all(proof.verdict == "same" for proof in self.proofs)

    @property
    def is_whole(self) -> bool:
        """Whether every site is served as it was meant to be, and was seen to be."""
        return not self.faults and not self.store_fault and self.receipt.is_whole and self.is_proved


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

    async def reconcile(self, desired: Desired) -> RoundResult:
        """Make certificates, plan, apply and prove; raise only when nothing of it could be applied."""
        on_ladder = [site.id for site in desired.sites if site.hsts == "ladder"]
        hsts_fault = await self._advance_hsts(on_ladder)
        now = self._services.clock.now()
        kept = await self._services.certificates.ensure(desired.sites)
        fault = await self._publish() or hsts_fault
        if fault and self._last is None and not kept.credentials:
            raise fault  # nothing could be served, and the operator is looking
        steps = self._hsts.steps(on_ladder)
        ring = self._ring.rotated(now) if now >= self._ring.due else self._ring

        def planned(aside: Collection[str], left_out: Collection[str]) -> Plan:
            cas = {site: self._services.certificates.locked(cas) for site, cas in kept.client_roots.items()}
            return plan(
                _without(desired, left_out),
                {site: one for site, one in kept.credentials.items() if site not in aside},
                client_roots={site: roots for site, roots in cas.items() if site not in aside},
                hsts_steps=steps,
                ticket_keys=ring.keys,
            )

        meant, receipt, broken = await self._apply(planned)
        credentials = {site: one for site, one in kept.credentials.items() if site not in broken}
        # Another root than was meant: older ticket keys went with the edge that had them.
        self._ring = ring if receipt.root == meant.hash else ring.alone()
        fault = fault or await self._save(receipt)
        proofs, proof_fault = await self._prove(desired, credentials)
        self._last = RoundResult(
            at=now,
            desired=desired,
            plan=meant,
            receipt=receipt,
            credentials=credentials,
            client_roots=kept.client_roots,
            faults={**kept.faults, **broken},
            hsts_steps=steps,
            proofs=proofs,
            changes=tuple(str(change) for change in diff(self._last.plan, meant)) if self._last else (),
            news=tuple(kept.news),
            warnings=kept.warnings,
            store_fault=fault or proof_fault,
        )
        return self._last

    async def _apply(
        self, planned: Callable[[Collection[str], Collection[str]], Plan]
    ) -> tuple[Plan, Receipt, Mapping[str, DocumentInvalid]]:
        """Apply a plan; when it breaks the contract, without the sites that are the cause.

        `planned` makes it without the credentials and client CAs of some sites (the edge goes on with their
        last good version), and without others altogether. Return what was applied, and what was wrong.
        """
        meant = planned((), ())
        try:
            return meant, await self._services.edge.apply(meant), {}
        except DocumentInvalid:
            broken = breaches(meant)
            if not broken:
                raise
        meant = planned(broken.keys(), ())
        if whole := breaches(meant):
            meant = planned(broken.keys(), whole.keys())
        return meant, await self._services.edge.apply(meant), broken

    async def prove_again(self, last: RoundResult) -> RoundResult:
        """Shake hands again where that showed something else than was meant."""
        wrong = {proof.question for proof in last.proofs if proof.verdict != "same"}
        proofs, fault = await self._prove(last.desired, last.credentials, only=wrong)
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
        proofs, unsaved = await self._prove(self._last.desired, self._last.credentials)
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
        credentials: Mapping[str, Credential],
        only: Collection[tuple[Endpoint, str]] | None = None,
    ) -> tuple[tuple[Proof, ...], StoreError | None]:
        """Shake hands for every address and name, or for some; remember which sites failed."""
        asked = questions(desired, credentials, self._services.loopback())
        wanted = [question for question in asked if only is None or question.key in only]
        undated = self._services.certificates.clock_fault()
        proofs = await prove(self._services.dial, self._services.clock, wanted, judges_dates=not undated)
        if undated:
            return proofs, None
        failed = {proof.site: proof.at for proof in proofs if proof.verdict != "same"}
        return proofs, await self._hsts.note_failed(failed)
