"""A control plane with everything around it in memory, but for the store, which is the real one."""

from collections.abc import Callable
from dataclasses import dataclass, field

from plan_samples import desired, site
from port443.adapters.key_files import FilesOnDisk
from port443.app.certificates import CertificateManager
from port443.app.reconcile import Reconciler, Services
from port443.app.serve import ControlPlane, EndsEdge
from port443.app.status import ServeFacts
from port443.core.plan.desired import Desired
from port443.ports import PublicFiles, Store
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
        self.certificates = CertificateManager(self.store, FilesOnDisk(), self.clock)

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

    def reconciler(self) -> Reconciler:
        return Reconciler(self.services)

    def plane(
        self, load: Callable[[], Desired] = lambda: ONE_SITE, ends_edge: EndsEdge = "when asked"
    ) -> ControlPlane:
        return ControlPlane(self.services, load, FACTS, ends_edge=ends_edge)
