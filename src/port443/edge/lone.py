"""The processes of a runtime directory whose `port443 serve` does not answer: found, described, ended."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.read import read_document
from port443.core.contract.snapshot import Limits, Root, hash_of
from port443.core.errors import EdgeError
from port443.edge.client import EdgeClient
from port443.edge.predecessor import place_beside
from port443.edge.process import EdgeProcess
from port443.edge.runtime import EDGE_SOCKET, HAS_UNIT, ROOT_COPY
from port443.lease import holder_of
from port443.ports import Clock, LoneEdge

TIMEOUT_S = 3.0
DRAIN_MARGIN_S = 3.0
DEATH_TIMEOUT_S = 2.0


class LeftByServe:
    """Implements `SilentServe`."""

    def __init__(self, runtime: Path, lease: Path, clock: Clock) -> None:
        self.runtime, self._lease, self._clock = runtime, lease, clock

    @property
    def now(self) -> datetime:
        return self._clock.now()

    def pid(self) -> int | None:
        """Return who holds the lease."""
        return holder_of(self._lease)

    def is_stopped(self, pid: int) -> bool:
        """Whether a process is stopped by a signal, by its state in proc_pid_stat(5)."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"T", "t"}
        except OSError:
            return False

    async def end(self, pid: int, within_s: float) -> bool:
        """Send SIGTERM and wait; false when the process is still running."""
        process = EdgeProcess(pid)
        try:
            os.kill(pid, signal.SIGTERM)
            return await process.wait_ended(within_s)
        except ProcessLookupError:
            return True
        finally:
            process.release()

    async def find_edge(self) -> LoneEdge | None:
        """Return the edge that answers in the runtime directory."""
        return await find_lone(self.runtime, self.now)

    async def end_edge(self) -> None:
        """Drain the edge and see it end."""
        await end_lone(self.runtime)


async def find_lone(runtime: Path, now: datetime) -> LoneEdge | None:
    """Return the edge that answers in a runtime directory, whether or not a `serve` uses it."""
    try:
        async with asyncio.timeout(TIMEOUT_S), _met(runtime) as (client, identity, place):
            stats, root = await client.stats(), root_of(place, identity)
    except (EdgeError, TimeoutError, OSError):
        return None
    return LoneEdge(
        identity=identity,
        since=now - timedelta(milliseconds=stats.uptime_ms),
        sites=tuple(root.sites) if root else (),
        listeners=tuple(listener.id for listener in identity.listeners),
        has_unit=(runtime / HAS_UNIT).exists() or _binds_itself(identity.pid),
        stats=stats,
    )


async def end_lone(runtime: Path) -> None:
    """Drain the edge and see it end, by force after its time."""
    async with _met(runtime) as (client, identity, place):
        root = root_of(place, identity)
        timeout_ms = (root.limits if root else Limits()).drain_timeout_ms
        process = EdgeProcess(identity.pid)
        await client.drain(timeout_ms)
    if not await process.wait_ended(timeout_ms / 1000 + DRAIN_MARGIN_S):
        await process.end(DEATH_TIMEOUT_S)


@asynccontextmanager
async def _met(runtime: Path) -> AsyncIterator[tuple[EdgeClient, EdgeIdentity, Path]]:
    beside = place_beside(runtime)
    place = beside if (beside / EDGE_SOCKET).exists() else runtime
    client = await EdgeClient.open(place / EDGE_SOCKET)
    try:
        yield client, await client.identify(), place
    finally:
        client.close()


def root_of(place: Path, identity: EdgeIdentity) -> Root | None:
    """Return what the edge runs, read from its boot copy; None when it cannot be read."""
    try:
        root = read_document((place / ROOT_COPY).read_bytes())
    except (OSError, EdgeError):
        return None
    return root if isinstance(root, Root) and hash_of(root) == identity.running else None


def _binds_itself(pid: int) -> bool:
    """Whether it was started to bind by itself, as service units start it, and not by a `serve`."""
    try:
        return b"--bind" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
