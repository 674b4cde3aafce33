"""Supervise the edge: adopt or start it, and restart it with the same sockets and the last plan.

    start ──┬── an edge answers, or in mode external will answer ──► adopted ──┐
            └── none does, or one of another contract ─────────────► spawned ──┤
                                                                               ▼
    restoring ── it has our sockets and our plan ────────────────────────────► serving ── leave ──► left
     │  ▲                                                                      │  └─ drain, kill ──► ended
     │  └────────────────────────── its connection ended ──────────────────────┘
     └── spawned again, and 10 crashes within a minute ──► EdgeKeepsCrashing

Only mode spawned starts an edge. One of another contract runs beside the new one, and is drained after the
first apply.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from port443.core.contract.events import Event
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.receipt import Receipt
from port443.core.contract.snapshot import Limits
from port443.core.contract.stats import EdgeStats
from port443.core.errors import EdgeError
from port443.core.names import Endpoint
from port443.core.plan.planner import Plan
from port443.edge.client import EdgeClient
from port443.edge.crashes import Crashes
from port443.edge.errors import (
    ContractDiffers,
    EdgeDidNotStart,
    EdgeDraining,
    EdgeGone,
    EdgeKeepsCrashing,
    EdgeUnreachable,
)
from port443.edge.framing import Connection
from port443.edge.locate import locate_program
from port443.edge.lone import root_of
from port443.edge.predecessor import Predecessor, place_beside
from port443.edge.process import EdgeProcess, Spawn, last_words, trim_log
from port443.edge.runtime import EDGE_LOG, EDGE_SOCKET, HAS_UNIT, prepare_runtime
from port443.edge.session import Session
from port443.edge.sockets import HeldSockets
from port443.edge.stream import EventStream
from port443.ports import EdgeFound

Mode = Literal["spawned", "external"]
T = TypeVar("T")
START_TIMEOUT_S = 10.0
RESTORE_TIMEOUT_S = 15.0
DEATH_TIMEOUT_S = 2.0
EXPECT_TIMEOUT_S = 3.0
DRAIN_MARGIN_S = 3.0
RETRY_S = 0.05
LOG_CHECK_S = 60.0
PASSING = (EdgeGone, EdgeUnreachable, EdgeDraining)
"""Errors that end when the edge has been replaced; one that drains will be followed by another."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """How the edge is run."""

    runtime: Path
    workers: int
    """For an edge that is started; one that is adopted keeps its own number."""
    mode: Mode = "spawned"
    """`external`: another service starts and restarts the edge, and this one only connects."""
    program: Path | None = None
    """The value of PORT443_EDGE: the program to start instead of the installed one."""


class Supervisor:
    """The `Edge` of `ports.py`: one process, adopted or started."""

    def __init__(self, options: EdgeOptions) -> None:
        self._options = options
        self._held = HeldSockets()
        self._predecessor: Predecessor | None = None
        self._process: EdgeProcess | None = None
        self._lifeline: Connection | None = None
        self._crashes = Crashes()
        self._plan: Plan | None = None
        self._lock = asyncio.Lock()
        self._is_released = False
        self._outfitted: str | None = None
        """The boot that has our sockets and our plan; any other one still needs them."""
        self._settle(options.runtime.absolute())

    def _settle(self, place: Path) -> None:
        """Have the edge in `place`: its socket, its log and its boot copy."""
        self._place = place
        self._path, self._log = place / EDGE_SOCKET, place / EDGE_LOG
        self._session = Session(self._path, self._held)
        self._events = EventStream(self._path)

    async def start(self) -> EdgeFound:
        """Adopt the edge that runs in the runtime directory, else start one; take its sockets over."""
        runtime = prepare_runtime(self._options.runtime)
        if self._options.mode == "external":
            (runtime / HAS_UNIT).touch(mode=0o600)
        try:
            async with self._lock:
                identity, adopted = await self._connect_or_replace()
                await self._session.adopt_sockets()
        except BaseException:
            self._abandon()
            raise
        self._session.take_epoch()
        self._outfitted = identity.boot
        return EdgeFound(identity, adopted, root_of(self._place, identity))

    def _abandon(self) -> None:
        """End an edge that a failed start has started: no one else knows of it."""
        if self._process is not None and self._process.is_child:
            self._process.kill()
        self._held.close()
        self._hang_up()

    async def _connect_or_replace(self) -> tuple[EdgeIdentity, bool]:
        """Connect to our edge; beside one of another contract ours has a directory of its own."""
        if (place_beside(self._place) / EDGE_SOCKET).exists():
            self._settle(place_beside(self._place))
            return await self._connect()
        try:
            return await self._connect()
        except ContractDiffers as error:
            if self._options.mode == "external":
                raise
            log.warning("edge_of_another_contract", extra={"cause": error.message})
        self._predecessor = await Predecessor.relieve(self._path, self._held)
        self._settle(prepare_runtime(place_beside(self._place)))
        return await self._spawn(), False

    async def _connect(self) -> tuple[EdgeIdentity, bool]:
        try:
            identity = await self._session.connect()
        except EdgeUnreachable:
            if self._options.mode == "spawned":
                return await self._spawn(), False
            log.info("edge_awaited", extra={"socket": str(self._path), "within_s": START_TIMEOUT_S})
            identity = await self._await_edge()
        self._process = EdgeProcess(identity.pid)
        return identity, True

    async def apply(self, plan: Plan) -> Receipt:
        """Bind missing sockets, send missing parts, and have `plan` run; see `ports.Edge`."""
        try:
            return await self._with_edge(lambda _: self._apply(plan))
        except EdgeError:
            self._release_sockets()  # the bound sockets are of no use now
            raise

    async def _apply(self, plan: Plan) -> Receipt:
        self._held.bind_missing(plan.root.listeners, self._session.identity.workers)
        await self._session.give_sockets()
        self._plan, receipt = await self._session.hand_over(plan)
        self._outfitted = self._session.identity.boot
        self._release_sockets()
        if self._predecessor is not None:
            await self._predecessor.dismiss(plan.root.limits.drain_timeout_ms)
            self._predecessor = None
        return receipt

    def _release_sockets(self) -> None:
        wanted = self._plan.root.listeners if self._plan else ()
        self._held.release_all_but(listener.id for listener in wanted)

    async def stats(self) -> EdgeStats:
        """Return the counters of the running edge."""
        return await self._with_edge(EdgeClient.stats)

    async def expect(self, peer: Endpoint) -> None:
        """Announce one of our connections to the edge; see `ports.Edge`."""
        try:
            async with asyncio.timeout(EXPECT_TIMEOUT_S):
                await self._with_edge(lambda edge: edge.expect([peer]))
        except (EdgeError, TimeoutError) as error:
            log.debug("edge_not_told", extra={"reason": str(error)})

    async def identity(self, within_s: float | None = None) -> EdgeIdentity:
        """Return the identity of the running edge; waits at most `within_s` for one that is down."""
        timeout_s = RESTORE_TIMEOUT_S if within_s is None else within_s
        return await self._with_edge(EdgeClient.identify, timeout_s)

    async def _with_edge(
        self, action: Callable[[EdgeClient], Awaitable[T]], timeout_s: float = RESTORE_TIMEOUT_S
    ) -> T:
        """Run `action` alone on the connection; while the edge is being restarted, wait for it."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + timeout_s
        while True:
            try:
                async with self._lock:
                    return await action(await self._session.client())
            except PASSING:
                if self._is_released or clock() > deadline:
                    raise
            await asyncio.sleep(RETRY_S)

    def events(self) -> AsyncIterator[Event]:
        """Yield the events over restarts, until the edge is left."""
        return self._events.events()

    async def watch(self) -> None:
        """Restart the edge when it ends, until it is released; see `ports.Edge`."""
        while not self._is_released:
            await self._wait_gone()
            if not self._is_released:
                await self._restore()

    async def _wait_gone(self) -> None:
        try:
            self._lifeline = await Connection.open(self._path)
        except EdgeUnreachable:
            return
        try:
            # It may have been replaced before we looked, and the one that we hang on has nothing of ours.
            if not await self._is_outfitted():
                return
            while not self._is_released and not await self._lifeline.wait_end(LOG_CHECK_S):
                trim_log(self._log)
        finally:
            self._lifeline.close()
            self._lifeline = None

    async def _is_outfitted(self) -> bool:
        """Whether the edge that answers is the one that has our sockets and our plan."""
        try:
            async with self._lock:
                return (await (await self._session.client()).identify()).boot == self._outfitted
        except PASSING:
            return False

    async def _restore(self) -> None:
        """Restart the edge with its sockets and plan; give up when it crashes repeatedly."""
        clock = asyncio.get_running_loop().time
        while not self._is_released:
            try:
                async with self._lock:
                    await self._bring_back()
            except (*PASSING, EdgeDidNotStart) as error:
                log.warning("edge_not_back", extra={"reason": error.message})
                if self._crashes.are_too_many(clock()):
                    words = last_words(self._log)
                    raise EdgeKeepsCrashing(f"the edge keeps crashing: {words or error.message}") from error
                await asyncio.sleep(RETRY_S + self._crashes.delay_s(clock()))
            else:
                return

    async def _bring_back(self) -> None:
        if self._is_released:
            return
        try:
            identity = await self._session.connect()
        except PASSING:
            if self._options.mode == "external":
                raise
            identity = await self._replace()
        if identity.boot == self._outfitted:
            await asyncio.sleep(RETRY_S)  # it runs; only a connection had ended
            return
        await self._session.give_sockets()
        if self._plan is not None:
            self._plan, _ = await self._session.hand_over(self._plan)
        self._outfitted = identity.boot

    async def _replace(self) -> EdgeIdentity:
        now = asyncio.get_running_loop().time()
        self._crashes.note(now)
        if self._process is not None:
            await self._process.end(DEATH_TIMEOUT_S)
        if self._crashes.are_too_many(now):
            raise EdgeDidNotStart("the edge died too often within a minute")
        return await self._spawn()

    async def _spawn(self) -> EdgeIdentity:
        program = await asyncio.to_thread(locate_program, self._options.program)
        self._process = Spawn(program, self._place, self._options.workers, self._log).start()
        (self._options.runtime / HAS_UNIT).unlink(missing_ok=True)
        log.info("edge_spawned", extra={"pid": self._process.pid})
        return await self._await_edge()

    async def _await_edge(self) -> EdgeIdentity:
        clock = asyncio.get_running_loop().time
        deadline = clock() + START_TIMEOUT_S
        while True:
            try:
                return await self._session.connect()
            except EdgeUnreachable:
                if clock() > deadline:
                    raise
            if self._process is None:
                await asyncio.sleep(RETRY_S)
            elif await self._process.wait_ended(RETRY_S):
                words = last_words(self._log) or "it wrote nothing"
                raise EdgeDidNotStart(f"the edge ended right after its start: {words}", f"see {self._log}")

    async def drain_and_stop(self) -> None:
        """End the edge politely, then by force; an external edge is only left, its own unit ends it."""
        if self._options.mode == "external":
            await self.leave()
            return
        self._is_released = True
        limits = self._plan.root.limits if self._plan else Limits()
        try:
            async with self._lock:
                # A port is open as long as one descriptor of it is: ours would receive new connections.
                self._held.close()
                await self._drain(limits.drain_timeout_ms)
        except asyncio.CancelledError:
            self.kill()
            raise
        finally:
            self._hang_up()

    def kill(self) -> None:
        """End the edge immediately; an external one is left to its unit."""
        self._is_released = True
        if self._process is not None and self._options.mode == "spawned":
            self._process.kill()

    async def _drain(self, timeout_ms: int) -> None:
        timeout_s = timeout_ms / 1000 + DRAIN_MARGIN_S
        try:
            await (await self._session.client()).drain(timeout_ms)
        except EdgeError as error:
            log.warning("edge_not_drained", extra={"reason": error.message})
            timeout_s = 0.0  # the request did not reach it, so it will not end by itself
        if self._process is not None and not await self._process.wait_ended(timeout_s):
            await self._process.end(DEATH_TIMEOUT_S)

    async def leave(self) -> None:
        """Release the edge, which continues to serve until another control plane adopts it."""
        self._is_released = True
        async with self._lock:
            self._held.close()
            self._hang_up()

    def _hang_up(self) -> None:
        self._session.hang_up()
        if self._predecessor is not None:
            self._predecessor.close()
        self._events.end()
        if self._lifeline is not None:
            self._lifeline.interrupt()
        if self._process is not None:
            self._process.release()
