"""What the use-cases need from outside: Protocols only, each a small power."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from port443.core.names import Endpoint, SiteName
from port443.core.plan.events import Event
from port443.core.plan.planner import Plan
from port443.core.plan.receipt import Receipt
from port443.core.plan.snapshot import Hash, Root
from port443.core.plan.stats import EdgeStats
from port443.core.probe.http import HTTPAnswer, HTTPRequest


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


class Edge(Protocol):
    """The data plane, as the control plane sees it: one snapshot at a time, and a process kept alive.

    Use: `start()` once; then `watch()` and `events()` as tasks of the caller's task group; `apply()` and
    `stats()` at any time, from any task (they take turns inside); at the end either `drain_and_stop()`
    or `leave()`, after which `watch()` returns and `events()` ends. All errors are `EdgeError`s.
    """

    async def start(self) -> EdgeFound:
        """Adopt the edge that runs in the runtime directory, else start one; take its sockets over."""
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
        """Yield the events from the oldest that the edge still holds, over its restarts, until it is left.

        A gap is told as `EventsDropped`. The first event of a restarted edge is `EdgeStarted`.
        """
        ...

    async def stats(self) -> EdgeStats:
        """Return the counters of the running edge."""
        ...

    async def identity(self) -> EdgeIdentity:
        """Ask the running edge who it is and what it runs."""
        ...

    async def drain_and_stop(self) -> None:
        """End the edge politely: it has its drain time for open connections, then it is killed."""
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
    """The way to other machines. Never more than a few connections to one address at a time."""

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        """Return the addresses of a name, the resolver's first choice first. Raises NameUnresolved."""
        ...

    def connect(self, endpoint: Endpoint, within_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open a connection; `within_s` bounds its whole life. Leaving the context closes it at once.

        Raises ConnectRefused, ConnectTimedOut, HostUnreachable, ConnectionWasReset.
        """
        ...

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        """Make one HTTP request, on TLS without any trust checked, and return the head of its answer."""
        ...
