"""What the use-cases need from outside: Protocols only, each a small power."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from port443.core.contract.events import Event
from port443.core.contract.receipt import Receipt
from port443.core.contract.snapshot import Hash, Root
from port443.core.contract.stats import EdgeStats
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.status import StatusDocument
from port443.core.names import Endpoint, SiteName
from port443.core.plan.desired import Credential, DesiredSite
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan
from port443.core.probe.http import HTTPAnswer, HTTPRequest
from port443.core.renew.clock import ClockWrong
from port443.core.renew.information import RenewalInformation
from port443.core.renew.records import AcmeAccount, Attempt, OpenOrder, Spent
from port443.core.x509.facts import CertFacts


class Clock(Protocol):
    """The time. One per process, so that a test can own it."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeIdentity:
    """Which edge answers, and what it runs."""

    version: str
    contract: int
    boot: str
    """Another one after each start of the program."""
    pid: int
    workers: int
    epoch: int
    running: Hash | None
    """The hash of the root that runs."""
    boot_copy_in_memory: bool
    """False when the runtime directory lies on a disk, where secrets should not be."""


@dataclass(frozen=True, slots=True)
class EdgeFound:
    """How `Edge.start` came by its edge."""

    identity: EdgeIdentity
    adopted: bool
    """Whether it was running already."""
    root: Root | None
    """What the adopted edge runs, when its boot copy tells: for a diff, and for its ticket keys' hashes."""


@dataclass(frozen=True, slots=True)
class LoneEdge:
    """An edge that serves although no `port443 serve` supervises it."""

    identity: EdgeIdentity
    since: datetime
    """When it started."""
    sites: tuple[str, ...]
    """The sites of its snapshot, when its boot copy tells."""
    listeners: tuple[str, ...]
    has_unit: bool
    """Whether a service unit of its own started it, which alone should end it."""
    stats: EdgeStats


class SilentServe(Protocol):
    """What is left in a runtime directory whose `port443 serve` does not answer: its process, its edge."""

    @property
    def runtime(self) -> PurePath:
        """The directory."""
        ...

    @property
    def now(self) -> datetime:
        """The time in UTC."""
        ...

    def pid(self) -> int | None:
        """Return the process that holds the directory; None when none does, or it does not tell."""
        ...

    def is_stopped(self, pid: int) -> bool:
        """Whether a process got SIGSTOP."""
        ...

    async def end(self, pid: int, within_s: float) -> bool:
        """Send SIGTERM and wait; false when it goes on. Raises PermissionError."""
        ...

    async def find_edge(self) -> LoneEdge | None:
        """Return the edge that answers."""
        ...

    async def end_edge(self) -> None:
        """Drain the edge and see it end, by force after its time."""
        ...


class Edge(Protocol):
    """The data plane, as the control plane sees it: one snapshot at a time, and a process kept alive.

    Use: `start()` once; then `watch()` and `events()` as tasks of the caller's task group; `apply()` and
    `stats()` at any time, from any task (they take turns inside); at the end either `drain_and_stop()`
    or `leave()`, after which `watch()` returns and `events()` ends. All errors are `EdgeError`s.
    """

    async def start(self) -> EdgeFound:
        """Adopt the edge that runs in the runtime directory, else start one; take its sockets over.

        Whatever ends this early, also ends the edge that it started.
        """
        ...

    async def apply(self, plan: Plan) -> Receipt:
        """Bind what sockets are missing, send what parts are missing, and have `plan` run.

        The plan is also what a restarted edge is given. When the edge is just being restarted, this
        waits for it. Raises when an address cannot be bound (nothing is changed then) or the edge
        refuses the root; a site with a fault is no error but stands in the receipt.
        """
        ...

    async def watch(self) -> None:
        """Restart the edge whenever it dies, with the same sockets and the last plan, until it is left.

        Returns after `drain_and_stop()` or `leave()`; raises when the edge dies again and again. An
        external edge is waited for instead, for as long as it takes.
        """
        ...

    def events(self) -> AsyncIterator[Event]:
        """Yield the events, over the edge's restarts, until it is left.

        They begin behind the last one that was dealt with, also by a control plane before us, or with the
        oldest that the edge still holds. Asking for the next one says that the last one was dealt with.
        A gap is told as `EventsDropped`. The first event of a restarted edge is `EdgeStarted`.
        """
        ...

    async def stats(self) -> EdgeStats:
        """Return the counters of the running edge."""
        ...

    async def expect(self, peer: Endpoint) -> None:
        """Have the next handshake from `peer`, an open connection of ours, not be counted as a client's.

        Never raises: an edge that cannot be told counts it.
        """
        ...

    async def identity(self, within_s: float | None = None) -> EdgeIdentity:
        """Ask the running edge who it is and what it runs; one that is down is waited for so long."""
        ...

    async def drain_and_stop(self) -> None:
        """End the edge politely: it has its drain time for open connections, then it is killed."""
        ...

    def kill(self) -> None:
        """End the edge at once, without a word to its clients; nothing is waited for."""
        ...

    async def leave(self) -> None:
        """Let go of the edge, which goes on serving by itself until somebody adopts it."""
        ...


class Connection(Protocol):
    """One TCP connection, under the deadline that it was opened with."""

    async def send(self, octets: bytes) -> None:
        """Send all of `octets`. A peer that reads no more is no error: what it said may still be read."""
        ...

    async def receive(self) -> bytes:
        """Return what came, at most 16 KiB; nothing at the end. Raises ConnectionWasReset, AnswerTimedOut."""
        ...

    async def finish(self) -> None:
        """Say that no more will be sent and wait, briefly, until the peer has closed too."""
        ...


class Dial(Protocol):
    """The way to other machines.

    Never more than a few connections to one address at a time; fewer after a reset or a time-out.
    """

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        """Return the addresses of a name, the resolver's first choice first. Raises NameUnresolved."""
        ...

    def connect(self, endpoint: Endpoint, within_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open a connection; `within_s` bounds its whole life. Leaving the context closes it at once.

        Raises ConnectRefused, ConnectTimedOut, HostUnreachable, ConnectionWasReset.
        """
        ...

    def back_off(self, endpoint: Endpoint) -> None:
        """Open connections to that address later from now on: it refuses what it accepts at other times."""
        ...

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        """Make one HTTP request, on TLS without any trust checked, and return the head of its answer."""
        ...


@dataclass(frozen=True, slots=True)
class Generation:
    """One certificate of a lineage, with its key. It never changes; which one is active does."""

    lineage: str
    """`site/…` with the site's id, or `authority/…` with the local CA's kind."""
    number: int
    """Counted from 1 within the lineage; never used twice."""
    credential: Credential
    created_at: datetime


class Generations(Protocol):
    """Certificates and keys, as they were made.

    A generation is written whole before it can become active, and activating it is one comparison and
    one write: whenever the process dies, a lineage has its old active generation or its new one, each
    complete. What a call has returned from is on the disk. Safe for several tasks and processes.
    All errors are `StoreError`s.
    """

    async def active(self, lineage: str) -> Generation | None:
        """Return the generation that counts."""
        ...

    async def newest(self, lineage: str) -> Generation | None:
        """Return the last one that was put, active or not."""
        ...

    async def put(self, lineage: str, credential: Credential, created_at: datetime) -> Generation:
        """Keep another generation, which is not active yet."""
        ...

    async def activate(self, generation: Generation, instead_of: int | None) -> None:
        """Make `generation` the active one, if `instead_of` still is (None: if none is).

        Raises `GenerationSuperseded` when another one has become active meanwhile. Those that were older
        than `instead_of` are forgotten, with their keys.
        """
        ...


@dataclass(frozen=True, slots=True)
class Issued:
    """A site's certificate, as its issuer gave it."""

    credential: Credential
    leaf: CertFacts
    next_at: datetime
    """When to ask the issuer again, whatever happens before."""
    is_new: bool
    """Whether it is another one than the issuer gave before."""
    warnings: tuple[str, ...] = ()
    """What is not wrong with it, but will be."""


Progress = Callable[[str], None]
"""Takes what a job is at, in a few words for people."""


class Issuer(Protocol):
    """Where a site's certificate comes from: made here, read from files, or ordered from a CA.

    Asked for several sites at a time, for one site once at a time.
    """

    @property
    def is_local(self) -> bool:
        """Whether it needs nothing but this machine: then starts, reloads and rounds wait for it."""
        ...

    @property
    def within_s(self) -> float:
        """How long one `obtain` may take; then it is given up, and tried again later."""
        ...

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        """Return the site's certificate: the one that is there when it is fit, else a new one.

        Asked at `Issued.next_at`, when what it is made of has changed, and again after each failure. By a
        clock that is wrong nothing is made or judged. Raises `CertificateError`, `StoreError`.
        """
        ...

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> Credential | None:
        """Return what the site had last from here, if it is still good for all its names; never raises."""
        ...

    def keep_only(self, sites: Collection[str]) -> None:
        """Forget what is in memory of all sites but these."""
        ...


@dataclass(frozen=True, slots=True)
class JobRecord:
    """Where a job stands, for the status and for the next process."""

    spec: str
    """What it was to bring."""
    next_at: datetime | None
    """When it runs again; None: when it is asked to."""
    failures: int
    """How often in a row it came to nothing."""
    at: datetime
    """When it ended last."""
    code: str | None
    """The code of the error that it ended with; None when it went well."""
    message: str


class JobMemory(Protocol):
    """Where jobs stand, for the next process. All errors are `StoreError`s."""

    async def job_records(self) -> Mapping[str, JobRecord]:
        """Return where each job stands, by its key."""
        ...

    async def remember_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        """Remember all of it, or nothing; None: the job is forgotten."""
        ...


class OrderMemory(Protocol):
    """The dealings with CAs: what must outlive the process so that none is repeated or forgotten.

    What a call has returned from is on the disk. All errors are `StoreError`s.
    """

    async def account(self, directory: str, email: str) -> AcmeAccount | None:
        """Return the account at a CA, if one was kept."""
        ...

    async def keep_account(self, account: AcmeAccount) -> None:
        """Keep an account in place of the one of the same directory and e-mail address."""
        ...

    async def open_order(self, lineage: str) -> OpenOrder | None:
        """Return the order of a lineage that is under way."""
        ...

    async def keep_order(self, order: OpenOrder) -> None:
        """Keep where an order stands; a lineage has one, and another takes its place."""
        ...

    async def finish_order(self, lineage: str, credential: Credential, attempt: Attempt) -> Generation:
        """Keep what an order brought, make it the active generation, close the order and note the attempt.

        All of it or nothing, in one transaction: what was ordered once is kept once. Returns the generation,
        whose number stands in the attempt that was noted.
        """
        ...

    async def note_attempt(self, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
        """Note an attempt that brought nothing, and close the order of its lineage or let it go on."""
        ...

    async def attempts(self, lineage: str) -> tuple[Attempt, ...]:
        """Return the attempts of a lineage that are still remembered, the oldest first."""
        ...

    async def note_spent(self, directory: str, spent: Sequence[Spent]) -> None:
        """Note what a CA has counted; what is older than any limit looks back is forgotten."""
        ...

    async def spent(self, directory: str) -> tuple[Spent, ...]:
        """Return what a CA has counted of late."""
        ...

    async def renewal_information(self, lineage: str, number: int) -> RenewalInformation | None:
        """Return what the CA said of a generation's renewal."""
        ...

    async def keep_renewal_information(
        self, lineage: str, number: int, information: RenewalInformation
    ) -> None:
        """Keep what the CA said of a generation's renewal; of older generations it is forgotten."""
        ...


class SiteMemory(Protocol):
    """What was seen of a site and must outlive the process. All errors are `StoreError`s."""

    async def hsts_memory(self) -> tuple[Mapping[str, HstsStep], Mapping[str, datetime]]:
        """Return where each site stands on the HSTS ladder, and when each was last seen served wrongly.

        Of a site that was never put there, or never seen so, nothing stands there.
        """
        ...

    async def remember_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Remember all of it, or nothing; a failed proof that is older than what is known changes nothing."""
        ...


class LastGood(Protocol):
    """What owners' files held when they were in order. All errors are `StoreError`s."""

    async def keep_last_good(
        self,
        credentials: Mapping[str, Credential],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
        at: datetime,
    ) -> None:
        """Keep all of it, or nothing: credentials by lineage, CAs in DER by site with the file they are of.

        A credential whose chain is the active one of its lineage stays; another becomes the active one.
        """
        ...

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that were last kept for a site, if they are of this file; else none."""
        ...


class Store(Generations, LastGood, OrderMemory, SiteMemory, JobMemory, Protocol):
    """All that outlives a process, in one place."""


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A private key as a storage backend holds it."""

    kek: str
    """The id of the key-encryption key that `wrapped_key` is wrapped under."""
    wrapped_key: bytes
    """The data key."""
    content: bytes
    """Nonce, ciphertext and tag under the data key."""


@dataclass(frozen=True, slots=True)
class SealedGeneration:
    """A `Generation` as a storage backend holds it."""

    lineage: str
    number: int
    names: tuple[SiteName, ...]
    chain: tuple[bytes, ...]
    """DER, leaf first, without the root."""
    created_at: datetime
    key: SealedKey


@dataclass(frozen=True, slots=True)
class UnsavedGeneration:
    """A generation that a storage backend is to number and keep."""

    lineage: str
    names: tuple[SiteName, ...]
    chain: tuple[bytes, ...]
    created_at: datetime
    seal: Callable[[int], SealedKey] = field(repr=False)
    """Encrypt the private key for the number that the generation gets: it is bound to it."""


@dataclass(frozen=True, slots=True)
class SealedAccount:
    """An `AcmeAccount` as a storage backend holds it."""

    directory: str
    email: str
    url: str | None
    eab_key_id: str | None
    created_at: datetime
    key: SealedKey


@dataclass(frozen=True, slots=True)
class SealedOrder:
    """An `OpenOrder` as a storage backend holds it."""

    lineage: str
    directory: str
    email: str
    state: str
    created_at: datetime
    key: SealedKey


class StorageBackend(SiteMemory, JobMemory, Protocol):
    """What a database offers to the store that seals private keys before they reach it.

    Promises what `Store` promises of its calls of the same names. All errors are `StoreError`s.
    """

    @property
    def location(self) -> str:
        """Where it is, for messages."""
        ...

    @property
    def kek(self) -> str:
        """The id of the key-encryption key that it was made for."""
        ...

    async def active(self, lineage: str) -> SealedGeneration | None:
        """Return the generation that counts."""
        ...

    async def newest(self, lineage: str) -> SealedGeneration | None:
        """Return the last one that was put, active or not."""
        ...

    async def put(self, unsaved: UnsavedGeneration) -> int:
        """Keep another generation, which is not active yet; return its number."""
        ...

    async def activate(self, lineage: str, number: int, instead_of: int | None) -> None:
        """Move the active pointer, if it still stands where it is believed to."""
        ...

    async def keep_last_good(
        self,
        unsaved: Sequence[UnsavedGeneration],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
    ) -> None:
        """Keep all of it, or nothing; a generation whose chain is not the active one becomes active."""
        ...

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that were last kept for a site, if they are of this file; else none."""
        ...

    async def account(self, directory: str, email: str) -> SealedAccount | None:
        """Return the account at a CA."""
        ...

    async def keep_account(self, account: SealedAccount) -> None:
        """Keep an account in place of the one of the same directory and e-mail address."""
        ...

    async def open_order(self, lineage: str) -> SealedOrder | None:
        """Return the order of a lineage that is under way."""
        ...

    async def keep_order(self, order: SealedOrder) -> None:
        """Keep where an order stands, in place of what was kept of its lineage."""
        ...

    async def finish_order(self, unsaved: UnsavedGeneration, attempt: Attempt) -> int:
        """Put and activate a generation, close its order, note the attempt; return its number."""
        ...

    async def note_attempt(self, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
        """Note an attempt that brought nothing, and close the order of its lineage or let it go on."""
        ...

    async def attempts(self, lineage: str) -> tuple[Attempt, ...]:
        """Return the attempts of a lineage that are still remembered, the oldest first."""
        ...

    async def note_spent(self, directory: str, spent: Sequence[Spent]) -> None:
        """Note what a CA has counted."""
        ...

    async def spent(self, directory: str) -> tuple[Spent, ...]:
        """Return what a CA has counted of late."""
        ...

    async def renewal_information(self, lineage: str, number: int) -> RenewalInformation | None:
        """Return what the CA said of a generation's renewal."""
        ...

    async def keep_renewal_information(
        self, lineage: str, number: int, information: RenewalInformation
    ) -> None:
        """Keep what the CA said of a generation's renewal."""
        ...


class KeyWrapper(Protocol):
    """Wraps the key of one stored secret under a key that is not in the store itself."""

    @property
    def id(self) -> str:
        """Another one for each key-encryption key; tells nothing about it."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt `key`, bound to `context`."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt what `wrap` made with the same context; else raises a `StoreError`."""
        ...


class CertificateFiles(Protocol):
    """Files that an operator keeps, and the one that we publish."""

    def read(self, path: PurePath) -> bytes:
        """Return the content; raises `CertificateError` when that is not possible or it is far too long."""
        ...

    def is_exposed(self, path: PurePath) -> bool:
        """Whether users of this machine other than its owner and group may read it."""
        ...

    def stamp(self, path: PurePath) -> str:
        """Return a text that differs when the file has changed, and for a file that is not there."""
        ...


class PublicFiles(Protocol):
    """Where files stand that everybody may read."""

    def publish(self, name: str, content: bytes) -> PurePath:
        """Write a file, at once or not at all, and return its path; raises `StoreError`."""
        ...


class App(Protocol):
    """The verbs of a running `port443 serve`, as whoever asks sees them: here, or over the admin socket.

    Events are not among them: docs/why/15-rounds-and-jobs.md says why.
    """

    async def alive(self) -> Alive:
        """Say in what time a stop is done at the latest."""
        ...

    async def status(self) -> StatusDocument:
        """Say what runs, and whether it is what was meant; also while it starts."""
        ...

    async def reload(self) -> Reloaded:
        """Read the settings again and apply them; wrong ones change nothing and are raised.

        A start that is under way is waited for.
        """
        ...

    async def ask_reload(self) -> ReloadAsked:
        """Have the settings read again soon."""
        ...

    async def stop(self) -> Stopped:
        """End serving, also a start that is under way; return when it is done."""
        ...
