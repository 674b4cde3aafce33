"""A control plane with everything around it in memory, but for the store, which is the real one."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from plan_samples import desired, site
from port443.app.certificates import EVER, CertificateManager
from port443.app.need_jobs import JOB_KINDS
from port443.app.reconcile import Reconciler, RoundResult, Services
from port443.app.scheduler import Scheduler
from port443.app.serve import App, EndsEdge
from port443.app.status import ServeFacts
from port443.core.plan.desired import Desired, DesiredSite, SiteNeeds
from port443.core.x509.path import TrustedRoots
from port443.ports import Clock, PublicFiles, Store
from port443.wiring import make_certificates
from standin_clock import StandInClock
from standin_edge import StandInDial, StandInEdge

NAME = "app.test"
ONE_SITE = desired(site(NAME))
FACTS = ServeFacts("0.1.0", 4711, "port443.yaml", "/state", "/run")
LOOPBACK = ("127.0.0.1", "::1")


@dataclass
class ServeBench:
    """What a round needs, and where its outcome can be looked at."""

    store: Store
    public_files: PublicFiles
    clock: StandInClock = field(default_factory=StandInClock)
    edge: StandInEdge = field(default_factory=StandInEdge)
    loopback: tuple[str, ...] = LOOPBACK
    dial: StandInDial = field(init=False)
    certificates: CertificateManager = field(init=False)

    def __post_init__(self) -> None:
        self.dial = StandInDial(self.edge)
        self.restart()

    def restart(self, built: datetime = EVER) -> None:
        """Forget what was in memory, as the next process does."""
        self.certificates = make_certificates(self.store, self.clock, lambda: TrustedRoots.of(()), built)

    @property
    def services(self) -> Services:
        return Services(
            edge=self.edge,
            certificates=self.certificates,
            store=self.store,
            dial=self.dial,
            outward=self.dial,
            clock=self.clock,
            public_files=self.public_files,
            loopback=lambda: self.loopback,
        )

    def rounds(self) -> "BenchRounds":
        return BenchRounds(self)

    def app(self, load: Callable[[], Desired] = lambda: ONE_SITE, ends_edge: EndsEdge = "on request") -> App:
        return App(self.services, load, FACTS, ends_edge=ends_edge)


def bring_needs(store: Store, clock: Clock, sites: Sequence[DesiredSite]) -> dict[str, SiteNeeds]:
    """Run the jobs of some sites once, as a start does, and return what came of them."""
    manager = make_certificates(store, clock, lambda: TrustedRoots.of(()), EVER)
    scheduler = Scheduler(clock, store)
    scheduler.replace(JOB_KINDS, manager.jobs(sites))
    asyncio.run(scheduler.settle())
    return manager.needs(sites)


class BenchRounds:
    """Rounds of one reconciler, each with the jobs before it that its sites need."""

    def __init__(self, bench: ServeBench) -> None:
        self.certificates = bench.certificates
        self.scheduler = Scheduler(bench.clock, bench.store)
        self.reconciler = Reconciler(bench.services)

    async def bring(self, wishes: Desired) -> None:
        """Run the jobs."""
        self.scheduler.replace(JOB_KINDS, self.certificates.jobs(wishes.sites))
        self.scheduler.make_local_due()
        await self.scheduler.settle()

    async def reconcile(self, wishes: Desired) -> RoundResult:
        """Run the jobs, and go through a round."""
        await self.bring(wishes)
        return await self.reconciler.reconcile(wishes)
