"""The interfaces between the use-cases and everything outside: Protocols only, each a small one."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Protocol

from port443.core.acme.directory import Directory
from port443.core.acme.flow import Post
from port443.core.acme.reply import Reply
from port443.core.acme.state import OpenOrder, OrderState
from port443.core.contract.events import Event
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.receipt import Receipt
from port443.core.contract.snapshot import Root
from port443.core.contract.stats import EdgeStats
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.certificates import (
    CertificateDocument,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    PreflightDocument,
    RevocationWord,
)
from port443.core.control.own_scan import OwnScan
from port443.core.control.status import StatusDocument
from port443.core.names import Endpoint, SiteName
from port443.core.plan.desired import Credential, DesiredSite
from port443.core.plan.hsts import HstsStep
from port443.core.plan.planner import Plan
from port443.core.probe.http import HTTPAnswer, HTTPRequest
from port443.core.renew.clock import ClockWrong
from port443.core.renew.information import RenewalInformation
from port443.core.renew.records import AcmeAccount, Attempt, Spent
from port443.core.x509.facts import CertFacts


class Clock(Protocol):
    """The time. One per process, so that a test can own it."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""
        ...


@dataclass(frozen=True, slots=True)
class EdgeFound:
    """How `Edge.start` got its edge."""

    identity: EdgeIdentity
    adopted: bool
    """Whether it was running already."""
    root: Root | None
    """What the adopted edge runs, read from its boot copy; None when it cannot be read."""


@dataclass(frozen=True, slots=True)
class LoneEdge:
    """An edge that serves although no `port443 serve` supervises it."""

    identity: EdgeIdentity
    since: datetime
    """When it started."""
    sites: tuple[str, ...]
    """The sites of its snapshot, read from its boot copy."""
    listeners: tuple[str, ...]
    has_unit: bool
    """Whether a service unit started it; then only that unit should stop it."""
    stats: EdgeStats


class SilentServe(Protocol):
    """The processes of a runtime directory whose `port443 serve` does not answer."""

    @property
    def runtime(self) -> PurePath:
        """The directory."""
        ...

    @property
    def now(self) -> datetime:
        """The time in UTC."""
        ...

    def pid(self) -> int | None:
        """Return the id of the process that holds the directory; None when there is none or it is unknown."""
        ...

    def is_stopped(self, pid: int) -> bool:
        """Whether a process got SIGSTOP."""
        ...

    async def end(self, pid: int, within_s: float) -> bool:
        """Send SIGTERM and wait; false when the process is still running. Raises PermissionError."""
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
    `stats()` at any time, from any task (calls are serialised inside); at the end either `drain_and_stop()`
    or `leave()`, after which `watch()` returns and `events()` ends. All errors are `EdgeError`s.
    """

    async def start(self) -> EdgeFound:
        """Adopt the edge that runs in the runtime directory, else start one; take its sockets over.

        A start that fails or is cancelled ends the edge that it started.
        """
        ...

    async def apply(self, plan: Plan) -> Receipt:
        """Bind the missing sockets, send the missing parts, and have the edge run `plan`.

        A restarted edge gets the same plan. While the edge is being restarted, this waits for it.
        Raises when an address cannot be bound (nothing is changed then) or when the edge refuses the root;
        a site with a fault is no error: it is listed in the receipt.
        """
        ...

    async def watch(self) -> None:
        """Restart the edge when it ends, with the same sockets and the last plan, until it is released.

        Returns after `drain_and_stop()` or `leave()`; raises when the edge crashes repeatedly. An external
        edge is waited for without a limit.
        """
        ...

    def events(self) -> AsyncIterator[Event]:
        """Yield the events, over restarts of the edge, until the edge is released.

        They start after the last one that was processed, also by an earlier control plane, or with the oldest
        that the edge still holds. Requesting the next event marks the previous one as processed.
        A gap is reported as `EventsDropped`. The first event of a restarted edge is `EdgeStarted`.
        """
        ...

    async def stats(self) -> EdgeStats:
        """Return the counters of the running edge."""
        ...

    async def expect(self, peer: Endpoint) -> None:
        """Announce a connection of ours from `peer`, so that its handshake does not count as a client's.

        Never raises: an edge that cannot be reached counts it.
        """
        ...

    async def identity(self, within_s: float | None = None) -> EdgeIdentity:
        """Return the identity of the running edge; waits at most `within_s` for one that is down."""
        ...

    async def drain_and_stop(self) -> None:
        """End the edge politely: it has its drain time for open connections, then it is killed."""
        ...

    def kill(self) -> None:
        """End the edge immediately, without a shutdown of its connections."""
        ...

    async def leave(self) -> None:
        """Release the edge, which continues to serve until another control plane adopts it."""
        ...


class Connection(Protocol):
    """One TCP connection, under the deadline that it was opened with."""

    async def send(self, octets: bytes) -> None:
        """Send all of `octets`. A peer that stopped reading is no error: its last bytes can still be read."""
        ...

    async def receive(self) -> bytes:
        """Return at most 16 KiB; empty at the end. Raises ConnectionWasReset, AnswerTimedOut."""
        ...

    async def finish(self) -> None:
        """Send the end of the stream and wait briefly until the peer has closed too."""
        ...


class Dial(Protocol):
    """The way to other machines.

    Never more than a few connections to one address at a time; fewer after a reset or a time-out.
    """

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        """Return the addresses of a name, the resolver's first choice first. Raises NameUnresolved."""
        ...

    def connect(self, endpoint: Endpoint, within_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open a connection; `within_s` bounds its whole lifetime. Leaving the context closes it.

        Raises ConnectRefused, ConnectTimedOut, HostUnreachable, ConnectionWasReset.
        """
        ...

    def back_off(self, endpoint: Endpoint) -> None:
        """Slow down connections to that address from now on: it refuses some of what it accepts otherwise."""
        ...

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        """Make one HTTP request, on TLS without any trust checked, and return the head of its answer."""
        ...


class AcmeTransport(Protocol):
    """The way to one ACME CA. Bounded in size and time of replies; follows no redirect; safe for many tasks.

    A reply is returned whatever its status. Raises `CAUnreachable` when there is none, and it is not known
    whether the CA did what it was asked, and `CAReplyInvalid` for one that is far too long.
    """

    async def directory(self) -> Directory:
        """Return the CA's directory, fetched an hour ago at the earliest; raises any `AcmeError`."""
        ...

    async def get(self, url: str) -> Reply:
        """Send a request that needs no signature."""
        ...

    async def post(self, post: Post) -> Reply:
        """Sign and send a request, again with another nonce as often as the CA refuses the nonce alone."""
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
    """Certificates and keys.

    A generation is written completely before it can become active, and activating it is one comparison
    and one write: if the process is killed, a lineage has its old active generation or its new one, each
    complete. Results are on disk when a call returns. Safe for several tasks and processes.
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

        Raises `GenerationSuperseded` when another one has become active meanwhile. Generations older than
        `instead_of` are deleted, with their keys.
        """
        ...


@dataclass(frozen=True, slots=True)
class Issued:
    """A site's certificate, as its issuer gave it."""

    credential: Credential
    leaf: CertFacts
    next_at: datetime
    """When to call `obtain` again at the latest."""
    is_new: bool
    """Whether it is another one than the issuer gave before."""
    warnings: tuple[str, ...] = ()
    """What is valid now and will not stay so, one sentence each."""
    renews_at: datetime | None = None
    """When another one is got, as far as is known now; None: nobody knows, or `next_at`."""


Progress = Callable[[str], None]
"""Receives the progress of a job, as a short text for people."""


class Issuer(Protocol):
    """The source of a site's certificate: made here, read from files, or ordered from a CA.

    Called for several sites concurrently, but never concurrently for one site.
    """

    @property
    def is_local(self) -> bool:
        """Whether it needs nothing but this machine: then starts, reloads and rounds wait for it."""
        ...

    @property
    def within_s(self) -> float:
        """The limit for one `obtain`, in seconds; after it the call is cancelled and retried later."""
        ...

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        """Return the site's certificate: the current one while it is fit, else a new one.

        Called at `Issued.next_at`, when its input has changed, and again after each failure. While the clock
        is wrong nothing is made or checked. Raises `CertificateError`, `StoreError`.
        """
        ...

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> Credential | None:
        """Return the site's last certificate if it is still valid for all its names; never raises.

        One that only its owner can renew is returned after its end, too.
        """
        ...

    def keep_only(self, sites: Collection[str]) -> None:
        """Drop what is cached for all sites but these."""
        ...


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The stored state of a job, for the status and for the next process."""

    spec: str
    """What the job is for, in its own terms."""
    next_at: datetime | None
    """When it runs next; None: only on request."""
    failures: int
    """The number of consecutive failures."""
    at: datetime
    """When it ended last."""
    code: str | None
    """The code of the error that it ended with; None when it went well."""
    message: str


class JobMemory(Protocol):
    """The stored states of jobs. All errors are `StoreError`s."""

    async def job_records(self) -> Mapping[str, JobRecord]:
        """Return the state of each job, by its key."""
        ...

    async def save_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        """Store all of `states`, or none; None deletes the state of a job."""
        ...


class AttemptMemory(Protocol):
    """What became of orders, and what CAs count. What a call has returned from is on the disk.

    All errors are `StoreError`s.
    """

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


class OrderMemory(AttemptMemory, Protocol):
    """Accounts and orders at CAs, so that the next process repeats none and forgets none.

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


class SiteMemory(Protocol):
    """What was observed of a site and must outlive the process. All errors are `StoreError`s."""

    async def hsts_memory(self) -> tuple[Mapping[str, HstsStep], Mapping[str, datetime]]:
        """Return each site's step of the HSTS rollout, and when a proof of it last failed.

        A site without a step or without a failed proof is absent.
        """
        ...

    async def save_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Store all of it, or none; a failed proof older than the stored one changes nothing."""
        ...


class ScanMemory(Protocol):
    """What scans of our own sites showed. All errors are `StoreError`s."""

    async def last_scan(self, place: str) -> OwnScan | None:
        """Return the newest scan of a place."""
        ...

    async def scans(self, place: str) -> Sequence[OwnScan]:
        """Return the scans of a place that are kept, the newest first."""
        ...

    async def remember_scan(self, scan: OwnScan) -> None:
        """Keep a scan; of each place the newest `KEPT_SCANS` are kept."""
        ...


KEPT_SCANS = 100
"""Three months of daily ones."""


class LastGood(Protocol):
    """The last valid content of operators' files. All errors are `StoreError`s."""

    async def save_last_good(
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


class Store(Generations, LastGood, OrderMemory, SiteMemory, JobMemory, ScanMemory, Protocol):
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
    state: OrderState
    created_at: datetime
    key: SealedKey


class StorageBackend(SiteMemory, JobMemory, ScanMemory, AttemptMemory, Protocol):
    """The database below a store that encrypts private keys before they reach it.

    Its methods keep the promises of those of `Store` with the same names. All errors are `StoreError`s.
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
        """Move the active pointer, if it is still at the expected generation."""
        ...

    async def save_last_good(
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


class KeyWrapper(Protocol):
    """Wraps the key of one stored secret under a key that is not in the store itself."""

    @property
    def id(self) -> str:
        """The id of the key-encryption key; it reveals nothing about the key."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt `key`, bound to `context`."""
        ...

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt the result of `wrap` for the same context; raises `StoreError` for anything else."""
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
    """A directory of files that every user may read."""

    def publish(self, name: str, content: bytes) -> PurePath:
        """Write a file atomically and return its path; raises `StoreError`."""
        ...


class App(Protocol):
    """The verbs of a running `port443 serve`, called in its process or over the admin socket.

    Events are not among them: docs/why/15-rounds-and-jobs.md says why.
    """

    async def alive(self) -> Alive:
        """Return the time within which a stop is complete, in seconds."""
        ...

    async def status(self) -> StatusDocument:
        """Return what runs and whether it matches the settings; also during the start."""
        ...

    async def reload(self) -> Reloaded:
        """Read the settings again and apply them; wrong ones change nothing and are raised.

        A start that is under way is waited for.
        """
        ...

    async def ask_reload(self) -> ReloadAsked:
        """Have the settings read again soon."""
        ...

    async def certificates(self) -> CertificatesDocument:
        """Return a line for the certificate of each site, the one at the greatest risk first."""
        ...

    async def certificate(self, name: str) -> CertificateDocument:
        """Return all that is known of the certificate of the site with that name."""
        ...

    async def order_certificate(self, name: str, *, anew: bool) -> CertificateOrdered:
        """Have a certificate ordered now, and say what came of it; `anew`: also beside a good one."""
        ...

    async def preflight(self, name: str) -> PreflightDocument:
        """Look at what an order of a site's certificate depends on, and order nothing."""
        ...

    async def revoke_certificate(self, name: str, reason: RevocationWord) -> CertificateRevoked:
        """Have a certificate revoked, after another one was ordered in its place, if that can be had."""
        ...

    async def stop(self) -> Stopped:
        """End serving, also a start that is under way; return when it is done."""
        ...
