"""A data plane in memory: an `Edge` that runs plans, and a `Dial` whose handshakes show what it runs."""

import asyncio
import base64
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from pki import NOW, Made
from port443.core.contract.bounds import CONTRACT
from port443.core.contract.events import Event, EventBody
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.read import document_of
from port443.core.contract.reasons import (
    ListenerState,
    QuarantineCode,
)
from port443.core.contract.receipt import (
    ChallengeRefused,
    Receipt,
    SitePending,
    SiteQuarantined,
    SiteRunning,
    SiteState,
)
from port443.core.contract.snapshot import (
    Certificate,
    Hash,
    Part,
    Pool,
    PrivateKey,
    Root,
    Site,
    TicketKey,
    hash_of,
    plain,
)
from port443.core.contract.stats import EdgeStats
from port443.core.errors import EdgeError
from port443.core.names import Endpoint, SiteName
from port443.core.plan.planner import Plan
from port443.core.probe.failures import ConnectRefused
from port443.core.probe.http import HTTPAnswer, HTTPRequest
from port443.core.x509.pem import certificate_pem
from port443.ports import Connection, EdgeFound


def nothing_yet(shape: Any) -> Any:
    """Return the counters of an edge that has just begun."""
    if is_dataclass(shape):
        hints = get_type_hints(shape)
        return shape(**{each.name: nothing_yet(hints[each.name]) for each in fields(shape)})  # type: ignore[operator]
    return (get_origin(shape) or shape)()


def an_edge(**changes: Any) -> EdgeIdentity:
    """Return an edge that runs nothing yet."""
    values: dict[str, Any] = {
        "contract": CONTRACT, "version": "0.1.0", "boot": "0" * 16, "pid": 4711, "workers": 2,
        "running": None, "epoch": 1, "listeners": (), "boot_copy_in_memory": True,
    } | changes  # fmt: skip
    return EdgeIdentity(**values)


@dataclass
class StandInEdge:
    """Implements `Edge`; the fields say how it fails, when a test wants it to."""

    found: Root | None = None
    """What it runs when it is met; then it is adopted."""
    fault: EdgeError | None = None
    """Raised by whatever is asked."""
    good: dict[str, Hash] = field(default_factory=dict)
    """The last good version of each site."""
    quarantined: dict[str, SiteState] = field(default_factory=dict)
    refused_challenges: dict[str, ChallengeRefused] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    """Listeners that have no sockets."""
    version: str = "0.1.0"
    is_in_memory: bool = True
    hold: asyncio.Event | None = None
    """While it is not set, an apply takes its time."""
    plans: list[Plan] = field(default_factory=list)
    ended: Literal["drained", "killed", "left"] | None = None
    running: Hash | None = None
    ticket_keys: dict[Hash, TicketKey] = field(default_factory=dict)
    _events: "asyncio.Queue[Event | None]" = field(default_factory=asyncio.Queue)
    _end: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def plan(self) -> Plan:
        return self.plans[-1]

    async def start(self) -> EdgeFound:
        return EdgeFound(await self.identity(), self.found is not None, self.found)

    async def apply(self, plan: Plan) -> Receipt:
        if self.fault:
            raise self.fault
        if self.hold:
            await self.hold.wait()
        for part in plan.parts.values():
            document_of(plain(part))
        ring = {name: part for name, part in plan.parts.items() if isinstance(part, TicketKey)}
        held = {*ring, *self.ticket_keys, *(self.found.ticket_keys if self.found else ())}
        plan = plan.without_ticket_keys(set(plan.root.ticket_keys) - held)
        self.ticket_keys |= ring
        sites = {id_: self._judged(id_, plan.parts[part]) for id_, part in plan.root.sites.items()}
        self.plans.append(plan)
        self.running = plan.hash
        listeners: dict[str, ListenerState] = {
            one.id: ListenerState.WAITING_FOR_SOCKETS if one.id in self.waiting else ListenerState.LISTENING
            for one in plan.root.listeners
        }
        return Receipt(plan.hash, sites | self.quarantined, listeners, self.refused_challenges)

    def _judged(self, id_: str, part: Part) -> SiteState:
        assert isinstance(part, Site)
        if part.certificates:
            self.good[id_] = hash_of(part)
            return SiteRunning()
        if good := self.good.get(id_):
            return SiteQuarantined(QuarantineCode.CERTIFICATE_MISSING, "certificates", "there is none", good)
        return SitePending()

    async def watch(self) -> None:
        await self._end.wait()

    async def events(self) -> AsyncIterator[Event]:
        while event := await self._events.get():
            yield event

    def tell(self, body: EventBody, boot: str = "0" * 16, at: datetime = NOW) -> None:
        """Have an event told."""
        self._events.put_nowait(Event(1, boot, int(at.timestamp() * 1000), body))

    async def stats(self) -> EdgeStats:
        if self.fault:
            raise self.fault
        stats: EdgeStats = nothing_yet(EdgeStats)
        return replace(stats, workers=2)

    async def expect(self, peer: Endpoint) -> None:
        raise AssertionError(f"nothing is counted here: {peer}")

    async def identity(self, within_s: float | None = None) -> EdgeIdentity:
        del within_s
        if self.fault:
            raise self.fault
        return an_edge(version=self.version, running=self.running, boot_copy_in_memory=self.is_in_memory)

    async def drain_and_stop(self) -> None:
        self._go("drained")

    def kill(self) -> None:
        self._go("killed")

    async def leave(self) -> None:
        self._go("left")

    def _go(self, way: Literal["drained", "killed", "left"]) -> None:
        self.ended = self.ended or way
        self._events.put_nowait(None)
        self._end.set()


@dataclass
class StandInDial:
    """Implements `Dial`: what is dialled is the edge in memory, or whoever stands in its way."""

    edge: StandInEdge
    impostors: dict[Endpoint, Made] = field(default_factory=dict)
    """Who answers at an address instead of the edge."""
    closed: set[Endpoint] = field(default_factory=set)
    """Where nobody answers."""
    dialled: list[Endpoint] = field(default_factory=list)

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        del name
        return (Endpoint("127.0.0.1", port),)

    def back_off(self, endpoint: Endpoint) -> None:
        raise AssertionError(f"a proof is made once: {endpoint}")

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        raise AssertionError(f"a proof makes no requests: {request} to {endpoint} within {within_s}")

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, within_s: float) -> AsyncIterator[Connection]:
        assert within_s > 0
        if endpoint in self._servers() - self.closed:
            yield _Conversation(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            return
        self.dialled.append(endpoint)
        if endpoint in self.closed or not self._listens(endpoint):
            raise ConnectRefused(f"{endpoint} refuses connections")
        yield _Conversation(self._context(endpoint))

    def _servers(self) -> set[Endpoint]:
        """Return the servers behind the sites."""
        pools = [part for part in self.edge.plan.parts.values() if isinstance(part, Pool)]
        return {Endpoint(server.host, server.port) for pool in pools for server in pool.servers}

    def _listens(self, endpoint: Endpoint) -> bool:
        plain = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is bound, and where it is reached
        bound = [Endpoint.parse(one.address) for one in self.edge.plan.root.listeners if one.role == "https"]
        return endpoint in {Endpoint(plain.get(one.address, one.address), one.port) for one in bound}

    def _context(self, endpoint: Endpoint) -> ssl.SSLContext:
        if impostor := self.impostors.get(endpoint):
            return _context(impostor.pem + impostor.key_pem)
        by_name = dict(self._sites())

        def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
            if name is None:
                return None
            found = by_name.get(name) or by_name.get(f"*.{name.partition('.')[2]}")
            if found is None:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            connection.context = found
            return None

        # A hello without a name is for the address that it came to.
        outer = by_name.get(endpoint.address) or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        outer.sni_callback = choose
        return outer

    def _sites(self) -> Iterator[tuple[str, ssl.SSLContext]]:
        """Yield what is served for each name of the plan."""
        parts = self.edge.plan.parts
        for site in map(parts.get, self.edge.plan.root.sites.values()):
            assert isinstance(site, Site)
            if not site.certificates:
                continue
            certificate = parts[site.certificates[0]]
            assert isinstance(certificate, Certificate)
            key = parts[certificate.key]
            assert isinstance(key, PrivateKey)
            context = _context(_pem(certificate, key))
            yield from ((name, context) for name in site.names)


def _pem(certificate: Certificate, key: PrivateKey) -> bytes:
    chain = certificate_pem([base64.b64decode(entry) for entry in certificate.chain])
    loaded = load_der_private_key(base64.b64decode(key.pkcs8), None)
    return chain + loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _context(pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory(prefix="p443-") as directory:
        path = Path(directory) / "both.pem"
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context


class _Conversation:
    """Implements `Connection`: the server's side is OpenSSL, with no socket between."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    async def send(self, octets: bytes) -> None:
        self._in.write(octets)
        try:
            self._tls.do_handshake()
        except ssl.SSLError:
            return  # it wants more, or it has put its alert among what it says

    async def receive(self) -> bytes:
        return self._out.read(16 * 1024)

    async def finish(self) -> None:
        return
