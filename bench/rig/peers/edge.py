"""port443-edge, driven over its control socket as the control plane drives it."""

import asyncio
import base64
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from port443.core.contract.bounds import LISTENER_BACKLOG
from port443.core.contract.receipt import SiteRunning
from port443.core.contract.snapshot import (
    Certificate,
    Limits,
    Listener,
    Part,
    Pool,
    PrivateKey,
    Root,
    Server,
    Site,
    TicketKey,
    hash_of,
)
from port443.core.errors import Port443Error
from port443.core.plan.policies import POLICIES
from port443.edge.client import EdgeClient, Missing
from port443.edge.sockets import HeldSocket
from rig.errors import BenchFault
from rig.group import START_S, Group, wait_until
from rig.identity import NAME
from rig.peers.asked import first_line
from rig.peers.peer import Stand


def read_version(program: Path) -> str:
    """Return `0.1.0`."""
    return first_line([program, "--version"]).split()[-1]


@dataclass(frozen=True, slots=True)
class Edge:
    """The edge, of this tree or from elsewhere."""

    program: Path
    label: str
    version: str
    kind: str = "edge"

    def start(self, stand: Stand) -> Group:
        runtime = stand.directory / "runtime"
        runtime.mkdir(mode=0o700)
        group = Group([self.program, "--runtime", runtime, "--workers", "1"], stand.place, stand.log)
        try:
            asyncio.run(_configure(group, runtime / "edge.sock", stand))
        except Port443Error as error:
            group.end()
            raise BenchFault(str(error)) from error
        except BaseException:
            group.end()
            raise
        return group


async def _configure(group: Group, path: Path, stand: Stand) -> None:
    """Give the edge its socket and its snapshot."""
    if not wait_until(lambda: _takes_connections(path) or group.process.poll() is not None, START_S):
        raise BenchFault(f"the edge opens no control socket: {group.last_words()}")
    listener = Listener(f"https:127.0.0.1:{stand.port}", "https", f"127.0.0.1:{stand.port}", stand.port)
    client = await EdgeClient.open(path)
    try:
        with _listening(stand.port) as bound:
            await client.give_sockets([HeldSocket(listener.id, 0, bound)], workers=1)
        await _apply(client, listener, stand)
    finally:
        client.close()


def _takes_connections(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(os.fspath(path)) == 0


def _listening(port: int) -> socket.socket:
    # As the control plane makes them: an accept that finds nobody must not wait.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    bound.listen(LISTENER_BACKLOG)
    return bound


async def _apply(client: EdgeClient, listener: Listener, stand: Stand) -> None:
    root, parts = snapshot(listener, stand)
    await client.put(parts)
    receipt = await client.apply(root, epoch=1, base=None)
    if isinstance(receipt, Missing) or receipt.sites != {NAME: SiteRunning()}:
        raise BenchFault(f"the edge does not run the snapshot: {receipt}")


def snapshot(listener: Listener, stand: Stand) -> tuple[Root, list[Part]]:
    """Return one site before one backend, as the planner would plan it."""
    key = PrivateKey(_base64(stand.identity.pkcs8))
    certificate = Certificate((NAME,), (_base64(stand.identity.der),), hash_of(key))
    pool = Pool("backend", (Server("127.0.0.1", stand.backend),))
    ticket_key = TicketKey(_base64(os.urandom(32)))
    policy = POLICIES["intermediate"]
    site = Site(
        id=NAME,
        names=(NAME,),
        tls=hash_of(policy),
        certificates=(hash_of(certificate),),
        pool=hash_of(pool),
        hsts=None,
        redirect_cacheable=False,
    )
    parts: list[Part] = [key, certificate, pool, ticket_key, policy, site]
    root = Root(
        listeners=(listener,),
        # Its one client is all of them: nobody measures how fast the bench is refused.
        limits=Limits(connections_per_address=16384, handshakes_per_second=10**6, handshakes_burst=10**6),
        sites={NAME: hash_of(site)},
        default_site=None,
        ticket_keys=(hash_of(ticket_key),),
        parts=tuple(sorted(hash_of(part) for part in parts)),
    )
    return root, parts


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
