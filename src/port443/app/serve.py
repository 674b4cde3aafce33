"""Serve: converge at the start and after every change, and keep what was promised."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from port443.app.event_log import EdgeEventLog, tell
from port443.app.problems import Restarts, round_problems
from port443.app.reconcile import Reconciler, RoundResult, Services
from port443.app.server_checks import check_servers
from port443.app.status import EdgeSeen, ReloadStatus, ServeFacts, ServeSeen, status_document
from port443.core.contract.events import EdgeStarted
from port443.core.errors import EdgeError, Port443Error, ServeError
from port443.core.plan.desired import Desired
from port443.core.plan.hsts import next_step_due
from port443.ports import Dial, EdgeIdentity

FILES_LOOKED_AT = timedelta(seconds=5)
"""How often a site's own certificate files are looked at for a change."""
RETRY_AFTER_FAULT = timedelta(seconds=60)
SHORTEST_PAUSE_S = 1.0
EDGE_PATIENCE_S = 3.0
"""How long a status waits for an edge that does not answer."""
STOP_MARGIN_S = 30.0
"""What an end may take beyond the drain time."""

EndsEdge = Literal["never", "when asked", "always"]
"""An edge with a unit of its own is never ended by us; that of `serve` when somebody asks for it, so that it
outlives a defect; that of the demo always."""

LogFault = Callable[[], Port443Error | None]
"""Says why the log cannot be written where it was meant to be."""

log = logging.getLogger("port443")


def no_log_fault() -> None:
    """For a log that goes where it cannot fail."""


class RequestUnknown(ServeError):
    """The admin socket was asked something that this version does not know.

    Client and server are of different versions: use the `port443` that belongs to the running server.
    """

    code = "P443-E414"


class EdgeSilent(EdgeError):
    """The edge did not answer in time, or is just being restarted.

    What it serves may go on all the same. `port443 serve` restarts an edge that has died; one with a unit of
    its own is restarted by that: see how it does.
    """

    code = "P443-E309"
    fault = "machine"
    retry = True


class ControlPlane:
    """The running `port443 serve`."""

    def __init__(
        self,
        services: Services,
        load: Callable[[], Desired],
        facts: ServeFacts,
        *,
        ends_edge: EndsEdge = "when asked",
        log_fault: LogFault = no_log_fault,
    ) -> None:
        """`load` reads the settings anew; `facts` are told in the status as they are."""
        self.facts = facts
        self._services = services
        self._load = load
        self._ends_edge = ends_edge
        self._log_fault = log_fault
        self._since = services.clock.now()
        self._reconciler = Reconciler(services)
        self._turn = asyncio.Lock()
        self._reload_wanted, self._round_wanted = asyncio.Event(), asyncio.Event()
        self._stop, self._ended = asyncio.Event(), asyncio.Event()
        self._woken = asyncio.Event()
        self._adopted, self._boot = False, ""
        self._restarts = Restarts(0, None)
        self._last: RoundResult | None = None
        self._last_reload: ReloadStatus | None = None
        self._failure: tuple[datetime, Port443Error] | None = None
        self._teller = EdgeEventLog()

    @asynccontextmanager
    async def running(self, desired: Desired) -> AsyncIterator[None]:
        """Bring the edge up and go through the first round; in the end take it down again.

        An edge that served before, or that serves now when something unforeseen ends this process, is left
        alone: it goes on, and the next control plane takes it over. Whoever cancels this wants an end at
        once: an edge that we started, or that was to be stopped, is not waited for.
        """
        found = await self._services.edge.start()
        self._adopted, self._boot = found.adopted, found.identity.boot
        self._reconciler.adopt(found.root)
        log.info("edge_adopted" if found.adopted else "edge_started", extra={"edge_pid": found.identity.pid})
        try:
            await self._go_through(desired)
            yield
        except asyncio.CancelledError:
            if self._is_edge_to_end(asked=self.is_stopping or not self._adopted):
                self._services.edge.kill()
            await self._let_go(end=False)
            raise
        except BaseException:
            is_of_no_use = self._last is None and not self._adopted
            await self._let_go(end=self._is_edge_to_end(asked=is_of_no_use))
            raise
        await self._let_go(end=self._is_edge_to_end(asked=True))

    def _is_edge_to_end(self, *, asked: bool) -> bool:
        return self._ends_edge == "always" or (self._ends_edge == "when asked" and asked)

    async def _let_go(self, *, end: bool) -> None:
        if end:
            await self._services.edge.drain_and_stop()
        else:
            await self._services.edge.leave()
        self._ended.set()

    async def run(self) -> None:
        """Keep the promises until `stop` is called."""
        async with asyncio.TaskGroup() as group:
            duties = (
                self._tend_always,
                self.listen,
                self._teller.summarise,
                self._services.edge.watch,
                self._reload_on_request,
            )
            tasks = [group.create_task(duty()) for duty in duties]
            await self._stop.wait()
            for task in tasks:
                task.cancel()

    @property
    def round(self) -> RoundResult:
        """The last round."""
        if self._last is None:
            raise ServeError("asked before the first round was through")
        return self._last

    @property
    def dial(self) -> Dial:
        """The way to our own listeners."""
        return self._services.dial

    async def edge_identity(self) -> EdgeIdentity:
        """Ask the edge who it is."""
        return await self._services.edge.identity()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether `run` was asked to end."""
        return self._stop.is_set()

    def ask_reload(self) -> None:
        """Have the settings read again soon; how it went is in the log and the status."""
        self._reload_wanted.set()

    async def reload(self) -> RoundResult:
        """Read the settings again and converge; wrong settings change nothing and are raised."""
        at = self._services.clock.now().isoformat(timespec="seconds")
        try:
            round_ = await self._go_through(self._load())
        except Port443Error as error:
            self._last_reload = ReloadStatus(at, False, error.code, error.message, ())  # noqa: FBT003 - it failed
            log.error("reload_refused", extra={"code": error.code, "cause": error.message})  # noqa: TRY400 - no defect
            raise
        self._last_reload = ReloadStatus(at, True, None, None, round_.changes)  # noqa: FBT003 - it went well
        log.info("reloaded", extra={"changes": len(round_.changes), "running": round_.running[:16]})
        return round_

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request of the admin socket."""
        answers: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            "alive": self._answer_alive,
            "status": self._answer_status,
            "reload": self._answer_reload if request.get("wait") is True else self._answer_reload_asked,
            "stop": self._answer_stop,
        }
        verb = request.get("verb")
        if not isinstance(verb, str) or verb not in answers:
            raise RequestUnknown(f"unknown request {verb!r}", f"known are {', '.join(answers)}")
        return await answers[verb]()

    async def _answer_status(self) -> dict[str, Any]:
        upstreams = [server for site in self.round.desired.sites for server in site.upstreams]
        edge, servers = await asyncio.gather(
            self._see_edge(), check_servers(self._services.outward, upstreams)
        )
        serve = ServeSeen(
            now=self._services.clock.now(),
            since=self._since,
            facts=self.facts,
            last_reload=self._last_reload,
            failure=self._failure[1] if self._failure else None,
            log_fault=self._log_fault(),
            servers=servers,
        )
        return dataclasses.asdict(status_document(serve, edge, self.round))

    async def _see_edge(self) -> EdgeSeen | Port443Error:
        edge = self._services.edge
        try:
            async with asyncio.timeout(EDGE_PATIENCE_S):
                identity = await edge.identity(EDGE_PATIENCE_S / 2)
                return EdgeSeen(identity, self._adopted, self._restarts, await edge.stats())
        except TimeoutError:
            hint = (
                f"if this stays, see {self.facts.runtime}/edge.log; an edge that is killed is started again"
            )
            return EdgeSilent(f"it does not answer within {EDGE_PATIENCE_S:.0f} s", hint)
        except EdgeError as error:
            return error

    async def _answer_reload_asked(self) -> dict[str, Any]:
        self.ask_reload()
        return {"asked": True}

    async def _answer_reload(self) -> dict[str, Any]:
        round_ = await self.reload()
        return {
            "running": round_.running,
            "changes": list(round_.changes),
            "whole": round_.is_whole,
            "problems": [
                dataclasses.asdict(problem) for problem in round_problems(round_, self._services.clock.now())
            ],
        }

    async def _answer_alive(self) -> dict[str, Any]:
        """Say in what time a stop is done at the latest."""
        drain_s = self.round.plan.root.limits.drain_timeout_ms / 1000
        return {"ends_within_s": drain_s + STOP_MARGIN_S}

    async def _answer_stop(self) -> dict[str, Any]:
        edge = await self._see_edge()
        self.stop()
        await self._ended.wait()
        has_unit = self._ends_edge == "never"
        return {
            "stopped": True,
            "serve": self.facts.pid,
            "edge": edge.identity.pid if isinstance(edge, EdgeSeen) else None,
            "edge_has_unit": has_unit,
            "edge_goes_on": has_unit and isinstance(edge, EdgeSeen),
        }

    async def _go_through(self, desired: Desired | None = None) -> RoundResult:
        """Go through a round: for other settings, or for those that hold when the turn comes."""
        async with self._turn:
            before = self._last
            self._last = await self._reconciler.reconcile(desired or self.round.desired)
            self._failure = None
            tell(self._last, before)
        self._woken.set()
        return self._last

    async def _prove_again(self) -> None:
        async with self._turn:
            before = self.round
            self._last = await self._reconciler.prove_again(before)
            tell(self._last, before, anew=False)

    async def _tend_always(self) -> None:
        while True:
            self._woken.clear()
            pause = min(self._due() - self._services.clock.now(), FILES_LOOKED_AT)
            try:
                # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with the event.
                async with asyncio.timeout(max(SHORTEST_PAUSE_S, pause.total_seconds())):
                    await self._woken.wait()
            except TimeoutError:
                await self.tend()

    async def tend(self) -> None:
        """Go through a round when one is due or a file has changed; else look again at what was wrong."""
        now = self._services.clock.now()
        if self._failure and self._failure[0] <= now < self._failure[0] + RETRY_AFTER_FAULT:
            return
        # Before the last round: the clock was ahead, and what was made by it may not be valid yet.
        if self._due() <= now or now < self.round.at or self._services.certificates.files_changed():
            self._round_wanted.clear()
            try:
                await self._go_through()
            except Port443Error as error:
                self._failure = now, error
                log.error("round_failed", extra={"code": error.code, "cause": error.message})  # noqa: TRY400 - no defect
        elif self._is_doubtful(now):
            await self._prove_again()

    def _is_doubtful(self, now: datetime) -> bool:
        """Whether a handshake showed something else than was meant, and that was a while ago."""
        asked = [proof.at for proof in self.round.proofs if proof.verdict != "same"]
        return bool(asked) and max(asked) + RETRY_AFTER_FAULT <= now

    def _due(self) -> datetime:
        """Return when the next round is due; what the last one has not settled is not tried again at once."""
        round_ = self.round
        if self._round_wanted.is_set():
            return round_.at
        moments = [self._reconciler.tickets_due, self._services.certificates.next_due()]
        moments += [next_step_due(step) for step in round_.hsts_steps.values()]
        retry = round_.at + RETRY_AFTER_FAULT
        due = min((moment for moment in moments if moment and moment > round_.at), default=retry)
        unsettled = round_.store_fault or any(moment and moment <= round_.at for moment in moments)
        return min(due, retry) if unsettled else due

    async def listen(self) -> None:
        """Log what the edge tells; go through a round when it has been restarted."""
        async for event in self._services.edge.events():
            self._teller.tell(event)
            if isinstance(event.body, EdgeStarted) and event.boot != self._boot:
                self._boot, self._adopted = event.boot, False
                at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
                self._restarts = Restarts(self._restarts.count + 1, at)
                log.warning("edge_restarted", extra={"boot": event.boot})
                self._round_wanted.set()
                self._woken.set()

    async def _reload_on_request(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            try:
                await self.reload()
            except Port443Error:
                continue  # `reload` has logged it, and the status tells it
