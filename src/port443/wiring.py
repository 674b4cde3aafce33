"""Names the concrete adapters, beside `scan_wiring`, which names those of a scan; no other file does."""

import os
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Self, TypeVar

from port443 import BUILT, __version__
from port443.adapters.admin import AdminClient, AdminSocket, answerer, lease_of
from port443.adapters.admin.verbs import STATUS_S
from port443.adapters.clock import SystemClock
from port443.adapters.dial import Dialler
from port443.adapters.kek_file import FileKeyWrapper
from port443.adapters.key_files import FilesOnDisk
from port443.adapters.local_ports import free_port, has_ipv6, loopback_addresses
from port443.adapters.roots import SystemRoots
from port443.adapters.sample_backend import SampleBackend
from port443.adapters.sealed_store import SealedStore
from port443.adapters.state_directory import StateDirectory, public_directory, published
from port443.adapters.state_directory.errors import StateAbsent, StateForeign
from port443.adapters.store_sqlite import SQLiteBackend
from port443.app.acme_accounts import Accounts, read_trust
from port443.app.acme_attempt import AcmeServices
from port443.app.acme_issuer import AcmeIssuer
from port443.app.alone import EdgeAlone, answer_of, stop
from port443.app.certificates import CertificateManager, Sources
from port443.app.challenge_answers import ChallengeAnswers
from port443.app.check_files import FilesJudged, judge_files
from port443.app.client_cas import ClientCAFiles
from port443.app.local_ca import LocalCA
from port443.app.own_files import OwnFilesIssuer
from port443.app.reconcile import Services
from port443.app.serve import App, EndsEdge, LogFault, no_log_fault
from port443.app.status import ServeFacts, lone_document
from port443.app.trust import FILE_NAMES, PublishedRoot, copied_roots, publish_roots
from port443.core.control.answers import Stopped
from port443.core.control.status import StatusDocument
from port443.core.plan.desired import AcmeCA, Desired, without_ipv6
from port443.core.x509.path import TrustedRoots
from port443.edge.lone import LeftByServe
from port443.edge.runtime import default_runtime, prepare_runtime
from port443.edge.supervisor import EdgeOptions, Mode, Supervisor
from port443.ports import App as AppPort
from port443.ports import Clock, Edge, SilentServe, Store
from port443.settings.environment import Environment

__all__ = [
    "ServeOptions",
    "ask_serve",
    "find_roots",
    "free_port",
    "judge_named_files",
    "loopback_addresses",
    "make_clock",
    "private_directory",
    "public_file",
    "sample_backends",
    "serving",
    "status_of",
    "stop_serve",
]

if TYPE_CHECKING:
    from port443.adapters.acme_http import AcmeClient

ADMIN_SOCKET = "admin.sock"
T = TypeVar("T")
BUILT_AT = datetime.fromisoformat(BUILT).replace(tzinfo=UTC)
MACHINE_STATE = Path("/var/lib/port443")
"""The state directory of root, and of the service."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How one `port443 serve` runs, apart from its settings."""

    settings: str
    """The source of the settings, as a text for people."""
    state: Path | None = None
    runtime: Path | None = None
    external: bool = False
    """Another service starts and restarts the edge."""
    ends_edge: EndsEdge = "on request"
    log_fault: LogFault = no_log_fault


def make_clock() -> Clock:
    """Make the clock of this process."""
    return SystemClock()


def judge_named_files(desired: Desired) -> list[FilesJudged]:
    """Read and check every file that the sites name."""
    return list(judge_files(desired, FilesOnDisk(), SystemRoots().if_any, SystemClock().now()))


def state_directory(chosen: Path | None) -> Path:
    """Return the state directory: the chosen one, else that of this user."""
    environment = Environment.read()
    if path := chosen or environment.state:
        return path.absolute()
    if os.geteuid() == 0:
        return MACHINE_STATE
    home = environment.xdg_state_home or (environment.home or Path.home()) / ".local" / "state"
    return home / "port443"


def runtime_directory(chosen: Path | None) -> Path:
    """Return the runtime directory: the chosen one, else that of this user."""
    environment = Environment.read()
    path = chosen or environment.runtime or default_runtime(os.geteuid(), environment.xdg_runtime_dir)
    return path.absolute()


@contextmanager
def opened_store(state: StateDirectory) -> Iterator[Store]:
    """Open the store of a state directory, and close it in the end."""
    # Only a database that holds nothing yet may get a new key-encryption key.
    wrapper = FileKeyWrapper.open(state.key_encryption_key, may_create=not state.database.exists())
    backend = SQLiteBackend(state.database, wrapper.id)
    try:
        yield SealedStore(backend, wrapper)
    finally:
        backend.close()


class Transports:
    """The ways to CAs, each made when it is first needed; closed by leaving the context."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[tuple[str, PurePath | None], AcmeClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for client in self._open.values():
            await client.close()

    def to(self, ca: AcmeCA) -> "AcmeClient":
        """Return the way to a CA; raises `CertificateError` for a file of roots that cannot be used."""
        from port443.adapters.acme_http import AcmeClient  # noqa: PLC0415 - its HTTP client takes 0.1 s

        key = ca.directory, ca.trust
        if key not in self._open:
            trust = read_trust(FilesOnDisk(), ca.trust) if ca.trust else None
            self._open[key] = AcmeClient(
                ca.directory, self._clock, user_agent=f"port443/{__version__}", trust=trust
            )
        return self._open[key]


@asynccontextmanager
async def serving(options: ServeOptions, load: Callable[[], Desired]) -> AsyncIterator[App]:
    """Open the admin socket, start everything and run the first round; it serves while the context is open.

    `load` reads the settings; its errors are raised before anything is started. Raises `StopAsked` when a
    stop is requested before the first round is complete.
    """
    load = _as_this_machine_can(load)
    desired = load()
    runtime = prepare_runtime(runtime_directory(options.runtime))
    state = StateDirectory.prepare(state_directory(options.state))
    lock, admin, transports = state.lock(), None, Transports(SystemClock())
    try:
        admin = AdminSocket(runtime / ADMIN_SOCKET)
        with opened_store(state) as store:
            edge = _supervisor(options, runtime, desired.workers)
            app = App(
                _services(edge, store, state, transports),
                load,
                _facts(options, state, runtime),
                ends_edge=options.ends_edge,
                log_fault=options.log_fault,
            )
            await admin.open(answerer(app))
            async with transports, app.running(desired):
                yield app
    finally:
        if admin:
            await admin.close()
        lock.release()


def _as_this_machine_can(load: Callable[[], Desired]) -> Callable[[], Desired]:
    """Have "all addresses" mean those that this machine has."""
    return load if has_ipv6() else lambda: without_ipv6(load())


def _supervisor(options: ServeOptions, runtime: Path, workers: int) -> Supervisor:
    mode: Mode = "external" if options.external else "spawned"
    return Supervisor(EdgeOptions(runtime, workers, mode, program=Environment.read().edge))


def _services(edge: Edge, store: Store, state: StateDirectory, transports: Transports) -> Services:
    clock = SystemClock()
    return Services(
        edge=edge,
        certificates=make_certificates(store, clock, SystemRoots().if_any, BUILT_AT, transports),
        store=store,
        dial=Dialler(announce=edge.expect),
        outward=Dialler(),
        clock=clock,
        public_files=state,
        loopback=loopback_addresses,
        roots=lambda: _believed(store),
    )


async def _believed(store: Store) -> TrustedRoots:
    """Return the system's roots and those of the local CA, which clients of our sites believe."""
    local = await LocalCA(store).roots()
    return SystemRoots().if_any().joined(root.der for root in local.values())


def make_certificates(
    store: Store,
    clock: Clock,
    roots: Callable[[], TrustedRoots],
    built: datetime,
    transports: Transports | None = None,
) -> CertificateManager:
    """Make the certificate manager with all issuers."""
    files, answers = FilesOnDisk(), ChallengeAnswers()
    transports = transports or Transports(clock)
    services = AcmeServices(store, clock, Accounts(store, clock, files), transports.to, answers, roots)
    sources = Sources(
        LocalCA(store),
        OwnFilesIssuer(files, store, roots),
        ClientCAFiles(files, store),
        AcmeIssuer(services, draw=random.SystemRandom().random),
        answers,
    )
    return CertificateManager(sources, store, clock, built)


def _facts(options: ServeOptions, state: StateDirectory, runtime: Path) -> ServeFacts:
    return ServeFacts(__version__, os.getpid(), options.settings, str(state.path), str(runtime))


async def ask_serve(
    runtime: Path | None, verb: Callable[[AppPort], Awaitable[T]], status_s: float = STATUS_S
) -> T:
    """Have the `port443 serve` of a runtime directory do something; raises as `answer_of` does."""
    app, silent = _serve_in(runtime_directory(runtime), status_s)
    return await answer_of(verb(app), silent)


async def status_of(runtime: Path | None, within_s: float = STATUS_S) -> StatusDocument:
    """Return the status document of `serve`, or that of an edge that runs without one."""
    app, silent = _serve_in(runtime_directory(runtime), within_s)
    try:
        return await answer_of(app.status(), silent)
    except EdgeAlone as alone:
        return lone_document(alone.edge, __version__, str(silent.runtime), silent.now)


async def stop_serve(runtime: Path | None) -> Stopped:
    """Stop `serve` and its edge, or an edge that runs without one; return what is still running."""
    return await stop(*_serve_in(runtime_directory(runtime)))


def _serve_in(runtime: Path, status_s: float = STATUS_S) -> tuple[AppPort, SilentServe]:
    """Return the `serve` that answers in a runtime directory, and the processes left there when none does."""
    socket = runtime / ADMIN_SOCKET
    return AdminClient(socket, status_s), LeftByServe(runtime, lease_of(socket), SystemClock())


@contextmanager
def sample_backends(names: tuple[str, ...], first_port: int) -> Iterator[tuple[str, ...]]:
    """Run small web servers on loopback and return their URLs; ports in use are skipped."""
    backends: list[SampleBackend] = []
    try:
        for place, name in enumerate(names):
            backends.append(SampleBackend(name, first_port + place))
        yield tuple(backend.url for backend in backends)
    finally:
        for backend in backends:
            backend.close()


@contextmanager
def private_directory(prefix: str) -> Iterator[Path]:
    """Make a private directory, on a tmpfs where there is one, and remove it at the end."""
    memory = Path("/dev/shm")  # noqa: S108 - a shared tmpfs; mkdtemp makes a private directory in it
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix=prefix, dir=parent) as path:
        yield Path(path)


def public_file(state: Path, name: str) -> Path:
    """Return the path of a published file of a state directory."""
    return public_directory(state) / name


async def find_roots(wanted: Path | None, machine: Path = MACHINE_STATE) -> tuple[PublishedRoot, ...]:
    """Publish and return the local CA's roots of a state directory; makes none.

    For another user's state directory these are the published copies; without one, those of the machine.
    """
    state = state_directory(wanted)
    try:
        directory = StateDirectory.find(state, needs_database=True)
    except (StateAbsent, StateForeign) as error:
        is_named = wanted or Environment.read().state
        place = state if isinstance(error, StateForeign) or is_named else machine
        if roots := copied_roots(published(place, list(FILE_NAMES.values()))):
            return roots
        raise
    with opened_store(directory) as store:
        return await publish_roots(store, directory)
