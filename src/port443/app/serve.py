"""Serve: converge at the start and after every change, and keep what was promised."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from port443.app.converge import Converged, Converger, Tools
from port443.app.status import EdgeSeen, ServeSeen, status_document
from port443.core.errors import Port443Error, ServeError
from port443.core.plan.desired import Desired
from port443.core.plan.events import EdgeStarted, HandshakeFailed, UpstreamFailed
from port443.core.plan.hsts import next_step_due
from port443.ports import EdgeIdentity

FILES_LOOKED_AT = timedelta(seconds=5)
"""How often a site's own certificate files are looked at for a change."""
GOOD_NEWS = frozenset({"certificate_issued", "certificate_loaded"})
RETRY_AFTER_FAULT = timedelta(seconds=60)
SHORTEST_PAUSE_S = 1.0

log = logging.getLogger("port443")


class RequestUnknown(ServeError):
    """The admin socket was asked something that this version does not know.

    Client and server are of different versions: use the `port443` that belongs to the running server.
    """

    code = "P443-E414"


class ControlPlane:
    """The running `port443 serve`."""

    def __init__(
        self, tools: Tools, load: Callable[[], Desired], facts: dict[str, Any], *, ends_edge: bool = True
    ) -> None:
        """`load` reads the settings anew; `facts` are told in the status as they are.

        `ends_edge` is False for an edge that has a service unit of its own.
        """
        self.facts = {**facts, "since": tools.clock.now().isoformat(timespec="seconds")}
        self._tools = tools
        self._load = load
        self._edge_is_ours = ends_edge
        self._reload_wanted = asyncio.Event()
        self._ended = asyncio.Event()
        self._converger = Converger(tools)
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._woken = asyncio.Event()
        self._last_reload: dict[str, Any] | None = None
        self._adopted = False
        self._last: Converged | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Bring the edge up and go through the first round; in the end take it down again.

        An edge that served before, or that serves now when something unforeseen ends this process, is left
        alone: it goes on, and the next control plane takes it over.
        """
        found = await self._tools.edge.start()
        self._adopted = found.adopted
        self._converger.adopt(found.root)
        log.info("edge_adopted" if found.adopted else "edge_started", extra={"edge_pid": found.identity.pid})
        try:
            await self._converge(self._load())
            yield
        except BaseException:
            await self._let_go(end=self._edge_is_ours and not found.adopted and self._last is None)
            raise
        await self._let_go(end=self._edge_is_ours)

    async def _let_go(self, *, end: bool) -> None:
        if end:
            await self._tools.edge.drain_and_stop()
        else:
            await self._tools.edge.leave()
        self._ended.set()

    async def run(self) -> None:
        """Keep the promises until `stop` is called."""
        async with asyncio.TaskGroup() as group:
            duties = (self._tend, self._listen, self._guard, self._reload_on_request)
            tasks = [group.create_task(duty()) for duty in duties]
            await self._stop.wait()
            for task in tasks:
                task.cancel()

    @property
    def round(self) -> Converged:
        """The last round."""
        if self._last is None:
            raise ServeError("asked before the first round was through")
        return self._last

    async def edge_identity(self) -> EdgeIdentity:
        """Ask the edge who it is."""
        return await self._tools.edge.identity()

    def stop(self) -> None:
        """Ask `run` to end."""
        self._stop.set()

    def ask_reload(self) -> None:
        """Have the settings read again soon; how it went is in the log and the status."""
        self._reload_wanted.set()

    async def reload(self) -> Converged:
        """Read the settings again and converge; wrong settings change nothing and are raised."""
        at = self._tools.clock.now().isoformat(timespec="seconds")
        try:
            round_ = await self._converge(self._load())
        except Port443Error as error:
            self._last_reload = {"at": at, "ok": False, "code": error.code, "message": error.message}
            log.error("reload_refused", extra={"code": error.code, "cause": error.message})  # noqa: TRY400 - no defect
            raise
        self._last_reload = {"at": at, "ok": True, "changes": list(round_.changes)}
        log.info("reloaded", extra={"changes": len(round_.changes), "running": round_.plan.hash[:16]})
        return round_

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer one request of the admin socket."""
        answers: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
            "status": self._answer_status,
            "reload": self._answer_reload if request.get("wait") else self._answer_reload_asked,
            "stop": self._answer_stop,
        }
        verb = request.get("verb")
        if not isinstance(verb, str) or verb not in answers:
            raise RequestUnknown(f"unknown request {verb!r}", f"known are {', '.join(answers)}")
        return await answers[verb]()

    async def _answer_status(self) -> dict[str, Any]:
        identity, stats = await self._tools.edge.identity(), await self._tools.edge.stats()
        serve = ServeSeen(self._tools.clock.now(), self.facts, self._last_reload)
        return status_document(serve, EdgeSeen(identity, self._adopted, stats), self.round)

    async def _answer_reload_asked(self) -> dict[str, Any]:
        self.ask_reload()
        return {"asked": True}

    async def _answer_reload(self) -> dict[str, Any]:
        round_ = await self.reload()
        return {"running": round_.plan.hash, "changes": list(round_.changes), "whole": round_.is_whole}

    async def _answer_stop(self) -> dict[str, Any]:
        self.stop()
        await self._ended.wait()
        return {"stopped": True}

    async def _converge(self, desired: Desired) -> Converged:
        async with self._turn:
            self._last = await self._converger.converge(desired)
        self._tell(self._last)
        self._woken.set()
        return self._last

    def _tell(self, round_: Converged) -> None:
        for news in round_.news:
            level = logging.INFO if news.name in GOOD_NEWS else logging.WARNING
            log.log(level, news.name, extra={"site": news.site, "detail": news.detail})
        for site, state in round_.receipt.quarantined.items():
            log.error("site_quarantined", extra={"site": site, "code": state.code, "cause": state.message})
        for proof in round_.proofs:
            if proof.verdict != "same":
                extra = {"site": proof.site, "endpoint": str(proof.endpoint), "cause": proof.detail}
                log.error("served_is_not_issued", extra=extra)
        for change in round_.changes:
            log.info("changed", extra={"what": change})

    async def _tend(self) -> None:
        """Converge again whenever something is due or a certificate file has changed."""
        while True:
            await self._wait_until_due()
            if self._due() <= self._tools.clock.now() or self._tools.keeper.files_changed():
                try:
                    await self._converge(self._wanted())
                except Port443Error as error:
                    log.error("round_failed", extra={"code": error.code, "cause": error.message})  # noqa: TRY400 - no defect
                    await asyncio.sleep(RETRY_AFTER_FAULT.total_seconds())

    async def _wait_until_due(self) -> None:
        self._woken.clear()
        pause = min(self._due() - self._tools.clock.now(), FILES_LOOKED_AT)
        try:
            await asyncio.wait_for(self._woken.wait(), max(SHORTEST_PAUSE_S, pause.total_seconds()))
        except TimeoutError:
            return

    def _due(self) -> datetime:
        round_ = self.round
        now = self._tools.clock.now()
        moments = [self._converger.tickets_due, self._tools.keeper.next_due()]
        moments += [next_step_due(step) for step in round_.ladder.values()]
        due = min((moment for moment in moments if moment), default=now + FILES_LOOKED_AT)
        # What failed is tried again after a while, not at once.
        return max(due, round_.at + RETRY_AFTER_FAULT) if due < now and not round_.is_whole else due

    async def _listen(self) -> None:
        """Log what the edge tells; prove again when it has been restarted."""
        first = True
        async for event in self._tools.edge.events():
            if isinstance(event.body, HandshakeFailed | UpstreamFailed):
                log.info(event.name, extra=dataclasses.asdict(event.body))
            elif isinstance(event.body, EdgeStarted) and not first:
                log.warning("edge_restarted", extra={"boot": event.boot})
                await self._prove_again()
            first = False

    async def _prove_again(self) -> None:
        async with self._turn:
            round_ = self.round
            proofs = await self._converger.prove(round_.desired, round_.credentials)
            self._last = round_.with_proofs(proofs)
        self._tell(self._last)

    async def _reload_on_request(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            try:
                await self.reload()
            except Port443Error:
                continue  # `reload` has logged it, and the status tells it

    async def _guard(self) -> None:
        """Have the edge restarted whenever it dies."""
        await self._tools.edge.watch()

    def _wanted(self) -> Desired:
        return self.round.desired
