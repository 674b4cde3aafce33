"""The edge's verbs, typed: what is asked, and what is answered."""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from port443.core.contract.bounds import CONTRACT, MAX_DESCRIPTORS
from port443.core.contract.events import Event, event_of
from port443.core.contract.reasons import (
    ListenerState,
)
from port443.core.contract.receipt import (
    ChallengeRefused,
    Receipt,
    SitePending,
    SiteQuarantined,
    SiteRunning,
    SiteState,
)
from port443.core.contract.shape import DocumentInvalid, T, read_shape
from port443.core.contract.snapshot import Hash, Part, Root, canonical, plain
from port443.core.contract.stats import EdgeStats
from port443.core.contract.strict_json import BadJson, read_json
from port443.core.names import Endpoint
from port443.edge.errors import ContractDiffers, EdgeAnswerStrange
from port443.edge.framing import Connection
from port443.edge.sockets import HeldSocket

BATCH_BYTES = 32 * 1024 * 1024
"""Parts in one `put`: well below a frame, so that the edge never holds much of what is not yet stored."""
BATCH_PARTS = 50_000


@dataclass(frozen=True, slots=True)
class ListenerWorkers:
    """Which workers hold a socket of a listener."""

    id: str
    workers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Hello:
    """Who the edge is, and what it runs."""

    contract: int
    version: str
    boot: str
    pid: int
    workers: int
    running: Hash | None
    epoch: int
    listeners: tuple[ListenerWorkers, ...]
    boot_copy_in_memory: bool


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing was changed: the edge needs these parts first."""

    parts: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class TakenSocket:
    """A listening socket that came from the edge; whoever takes it owns the descriptor."""

    listener: str
    worker: int
    descriptor: int


@dataclass(frozen=True, slots=True)
class _Missing:
    missing: tuple[Hash, ...]


@dataclass(frozen=True, slots=True)
class _Applied:
    root: Hash
    listeners: dict[str, ListenerState]
    refused_challenges: dict[str, ChallengeRefused]


@dataclass(frozen=True, slots=True)
class _SocketName:
    listener: str
    worker: int


@dataclass(frozen=True, slots=True)
class _SocketNames:
    sockets: tuple[_SocketName, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class _Drained:
    connections: int


@dataclass(frozen=True, slots=True)
class EventsBegin:
    """From where the edge tells its events."""

    boot: str
    oldest: int
    """The number of the oldest event that it still holds."""


class EdgeClient:
    """One connection to the edge that speaks its verbs."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    async def open(cls, path: Path) -> "EdgeClient":
        """Connect to the edge's socket."""
        return cls(await Connection.open(path))

    def close(self) -> None:
        self.connection.close()

    async def hello(self) -> Hello:
        """Ask who answers; refuse an edge that speaks another contract."""
        reply = await self.connection.request("hello")
        contract = reply.fields.get("contract")
        if contract != CONTRACT:
            raise ContractDiffers(
                f"the running edge speaks contract {contract}, this port443 speaks {CONTRACT}",
                f"restart its unit with the matching program: it is process {reply.fields.get('pid')}",
            )
        return _shaped(Hello, reply.fields)

    async def put(self, parts: Iterable[Part]) -> None:
        """Send parts, in as many frames as they need."""
        for batch in _batches(parts):
            await self.connection.request("put", {"parts": [plain(part) for part in batch]})

    async def apply(self, root: Root, epoch: int, base: Hash | None) -> Receipt | Missing:
        """Have a snapshot run, or learn what is missing for that."""
        reply = await self.connection.request("apply", {"root": plain(root), "epoch": epoch, "base": base})
        receipt = reply.fields.get("receipt")
        missing = _shaped(_Missing, receipt).missing
        return Missing(missing) if missing else _receipt(receipt)

    async def give_sockets(self, sockets: Sequence[HeldSocket], workers: int) -> None:
        """Lend listening sockets; those of workers that this edge does not have go to those that it has."""
        for first in range(0, len(sockets), MAX_DESCRIPTORS):
            some = sockets[first : first + MAX_DESCRIPTORS]
            names = [{"listener": each.listener, "worker": each.worker % workers} for each in some]
            descriptors = [each.socket.fileno() for each in some]
            await self.connection.request("sockets", {"sockets": names}, descriptors)

    async def take_sockets(self) -> list[TakenSocket]:
        """Ask for descriptors of all listening sockets that the edge holds."""
        taken: list[TakenSocket] = []
        try:
            while await self._take_more(taken):
                pass
        except BaseException:
            for each in taken:
                os.close(each.descriptor)
            raise
        return taken

    async def _take_more(self, taken: list[TakenSocket]) -> bool:
        reply = await self.connection.request("take_sockets", {"after": len(taken)})
        names = _shaped(_SocketNames, reply.fields)
        if len(names.sockets) != len(reply.descriptors):
            for descriptor in reply.descriptors:
                os.close(descriptor)
            raise EdgeAnswerStrange("the edge sent another number of sockets than it named")
        pairs = zip(names.sockets, reply.descriptors, strict=True)
        taken += [TakenSocket(name.listener, name.worker, descriptor) for name, descriptor in pairs]
        return names.more and bool(names.sockets)

    async def expect(self, peers: Iterable[Endpoint]) -> None:
        """Have the edge not take handshakes from these addresses for clients'."""
        await self.connection.request("expect", {"peers": [str(peer) for peer in peers]})

    async def stats(self) -> EdgeStats:
        """Ask for the counters."""
        reply = await self.connection.request("stats")
        return _shaped(EdgeStats, reply.fields.get("stats"))

    async def drain(self, timeout_ms: int) -> int:
        """Have the edge end politely; return how many connections it still has."""
        reply = await self.connection.request("drain", {"timeout_ms": timeout_ms})
        return _shaped(_Drained, reply.fields).connections

    async def stop(self) -> None:
        """Have the edge end at once."""
        await self.connection.request("stop")

    async def begin_events(self, since: int) -> EventsBegin:
        """Turn this connection into a stream of the events after number `since`."""
        reply = await self.connection.request("events", {"since": since})
        return _shaped(EventsBegin, reply.fields)

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events of a connection that `begin_events` has turned into a stream."""
        async for line in self.connection.lines():
            yield _event(line)


def _shaped(shape: type[T], value: Any) -> T:
    try:
        return read_shape(shape, value, loose=True)
    except DocumentInvalid as error:
        raise EdgeAnswerStrange(f"the edge's answer breaks the contract: {error}") from error


def _receipt(value: Any) -> Receipt:
    applied = _shaped(_Applied, value)
    sites = value.get("sites")
    if not isinstance(sites, dict):
        raise EdgeAnswerStrange("the edge's receipt names no sites")
    states = {id_: _site(state) for id_, state in sites.items()}
    return Receipt(applied.root, states, applied.listeners, applied.refused_challenges)


def _site(value: Any) -> SiteState:
    state = value.get("state") if isinstance(value, dict) else None
    if state == "running":
        return SiteRunning()
    if state == "pending":
        return SitePending()
    if state == "quarantined":
        return _shaped(SiteQuarantined, value)
    raise EdgeAnswerStrange(f"the edge's receipt has a site in the state {state!r}")


def _event(line: bytes) -> Event:
    try:
        return event_of(read_json(line))
    except (BadJson, DocumentInvalid) as error:
        raise EdgeAnswerStrange(f"the edge told an event that breaks the contract: {error}") from error


def _batches(parts: Iterable[Part]) -> Iterable[list[Part]]:
    batch: list[Part] = []
    size = 0
    for part in parts:
        length = len(canonical(part))
        if batch and (size + length > BATCH_BYTES or len(batch) >= BATCH_PARTS):
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += length
    if batch:
        yield batch
