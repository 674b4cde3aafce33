"""The edge's verbs, typed: what is asked, and what is answered."""

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from port443.core.contract.bounds import CONTRACT, MAX_DESCRIPTORS
from port443.core.contract.events import Event, event_of
from port443.core.contract.identity import EdgeIdentity
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
from port443.core.contract.verbs import (
    Drain,
    Draining,
    Events,
    EventsBegin,
    Expect,
    SocketName,
    Sockets,
    SocketsSent,
    TakeSockets,
    Verb,
)
from port443.core.names import Endpoint
from port443.edge.errors import ContractDiffers, EdgeAnswerStrange, UnknownVerb
from port443.edge.framing import Connection, Reply
from port443.edge.sockets import HeldSocket

BATCH_BYTES = 32 * 1024 * 1024
"""Parts in one `put`: well below a frame, so that the edge never holds much of what is not yet stored."""
BATCH_PARTS = 50_000


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

    async def identify(self) -> EdgeIdentity:
        """Ask which edge answers; raise `ContractDiffers` for one that speaks another contract."""
        try:
            fields = (await self._ask(Verb.IDENTIFY)).fields
        except UnknownVerb:  # contract 1 had another verb for it
            fields = {"contract": 1}
        if (contract := fields.get("contract")) != CONTRACT:
            raise ContractDiffers(
                f"the running edge speaks contract {contract}, this port443 speaks {CONTRACT}",
                f"restart its unit with the matching program: it is process {self.connection.peer_pid}",
            )
        return _shaped(EdgeIdentity, fields)

    async def put(self, parts: Iterable[Part]) -> None:
        """Send parts, in as many frames as they need."""
        for batch in _batches(parts):
            await self._ask(Verb.PUT, parts=[plain(part) for part in batch])

    async def apply(self, root: Root, epoch: int, base: Hash | None) -> Receipt | Missing:
        """Have a snapshot run, or learn what is missing for that."""
        reply = await self._ask(Verb.APPLY, root=plain(root), epoch=epoch, base=base)
        receipt = reply.fields.get("receipt")
        missing = _shaped(_Missing, receipt).missing
        return Missing(missing) if missing else _receipt(receipt)

    async def give_sockets(self, sockets: Sequence[HeldSocket], workers: int) -> None:
        """Lend listening sockets; those of workers that this edge does not have go to those that it has."""
        for first in range(0, len(sockets), MAX_DESCRIPTORS):
            some = sockets[first : first + MAX_DESCRIPTORS]
            names = tuple(SocketName(each.listener, each.worker % workers) for each in some)
            descriptors = [each.socket.fileno() for each in some]
            await self._ask(Verb.SOCKETS, descriptors, **asdict(Sockets(names)))

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
        reply = await self._ask(Verb.TAKE_SOCKETS, **asdict(TakeSockets(len(taken))))
        names = _shaped(SocketsSent, reply.fields)
        if len(names.sockets) != len(reply.descriptors):
            for descriptor in reply.descriptors:
                os.close(descriptor)
            raise EdgeAnswerStrange("the edge sent another number of sockets than it named")
        pairs = zip(names.sockets, reply.descriptors, strict=True)
        taken += [TakenSocket(name.listener, name.worker, descriptor) for name, descriptor in pairs]
        return names.more and bool(names.sockets)

    async def expect(self, peers: Iterable[Endpoint]) -> None:
        """Have the edge not take handshakes from these addresses for clients'."""
        await self._ask(Verb.EXPECT, **asdict(Expect(tuple(map(str, peers)))))

    async def stats(self) -> EdgeStats:
        """Ask for the counters."""
        reply = await self._ask(Verb.STATS)
        return _shaped(EdgeStats, reply.fields.get("stats"))

    async def drain(self, timeout_ms: int) -> int:
        """Have the edge end politely; return how many connections it still has."""
        reply = await self._ask(Verb.DRAIN, **asdict(Drain(timeout_ms)))
        return _shaped(Draining, reply.fields).connections

    async def stop(self) -> None:
        """Have the edge end at once."""
        await self._ask(Verb.STOP)

    async def begin_events(self, since: int) -> EventsBegin:
        """Turn this connection into a stream of the events after number `since`."""
        reply = await self._ask(Verb.EVENTS, **asdict(Events(since)))
        return _shaped(EventsBegin, reply.fields)

    async def events(self) -> AsyncIterator[Event]:
        """Yield the events of a connection that `begin_events` has turned into a stream."""
        async for line in self.connection.lines():
            yield _event(line)

    async def _ask(self, verb: Verb, descriptors: Sequence[int] = (), **fields: Any) -> Reply:
        return await self.connection.request(verb, fields, descriptors)


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
