"""`App`: the running `port443 serve`, with the verbs that its admin socket and the command line offer.

Rounds bring the edge to what is wanted, jobs bring what rounds need, and one scheduler looks after both. It
must not know who asks, nor over what.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from port443.app.event_log import EdgeEventLog, log_event, round_events
from port443.app.log_throttle import PERIOD_S
from port443.app.need_jobs import JOB_KINDS
from port443.app.problems import Restarts, round_problems
from port443.app.reconcile import Reconciler, RoundResult, Services
from port443.app.scheduler import ROUND, Done, Job, Scheduler
from port443.app.server_checks import check_servers
from port443.app.status import EdgeSeen, ServeFacts, ServeSeen, status_document
from port443.core.contract.events import EdgeStarted, Event
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.events import (
    AppEvent,
    EdgeRestarted,
    ReloadRefused,
    RoundFailed,
    SettingsReloaded,
)
from port443.core.control.status import ReloadStatus, ServerStatus, StatusDocument
from port443.core.errors import EdgeError, Port443Error, ServeError
from port443.core.plan.desired import Desired
from port443.core.plan.hsts import next_step_due
from port443.ports import Dial, EdgeIdentity, Progress

PROOF, RELOAD, FILES, LOG = "proof", "reload", "watched_files", "log"
FILES_LOOKED_AT = timedelta(seconds=5)
"""How often watched files are looked at for a change."""
LOG_PERIOD = timedelta(seconds=PERIOD_S)
RETRY_AFTER_FAULT = timedelta(seconds=60)
ROUND_S = 3600.0
"""How long a round may take: ten thousand handshakes that nobody answers."""
EDGE_TIMEOUT_S = 3.0
"""How long a status waits for an edge that does not answer."""
HELD_EVENTS = 1000
STOP_MARGIN_S = 30
"""What an end may take beyond the drain time."""

EndsEdge = Literal["never", "when asked", "always"]
"""An edge with a unit of its own is never ended by us; that of `serve` when somebody asks for it, so that it
outlives a defect; that of the demo always."""

LogFault = Callable[[], Port443Error | None]
"""Says why the log cannot be written where it was meant to be."""

log = logging.getLogger("port443")


def no_log_fault() -> None:
    """For a log that goes where it cannot fail."""


class StopAsked(Exception):
    """A stop was asked for before the first round was through."""


class EdgeSilent(EdgeError):
    """The edge did not answer in time, or is just being restarted.

    What it serves may go on all the same. `port443 serve` restarts an edge that has died; one with a unit of
    its own is restarted by that: see how it does.
    """

    code = "P443-E309"
    fault = "machine"
    retry = True


class ServeEnded(ServeError):
    """`port443 serve` ended before its first round was through, and could not do what it was asked.

    It was stopped, or it could not start: its log says why. Start it again.
    """

    code = "P443-E424"
    fault = "operator"
    retry = True


@dataclass(frozen=True, slots=True, eq=False)
class _Follower:
    """Somebody who follows the events, and those that they have not taken yet."""

    held: deque[AppEvent | Event]
    woken: asyncio.Event


class App:
    """The running `port443 serve`. Implements `ports.App`."""

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
        self._scheduler = Scheduler(services.clock, services.store)
        self._scheduler.add(
            Job(
                ROUND,
                self._scheduled_round,
                lane="own",
                is_stored=False,
                within_s=ROUND_S,
                pause=lambda _: RETRY_AFTER_FAULT,
            ),
            Job(PROOF, self._prove_again, lane="own", is_stored=False, within_s=ROUND_S),
            Job(RELOAD, self._reload_as_asked, lane="own", is_stored=False, within_s=ROUND_S),
            Job(FILES, self._look_at_files, is_stored=False),
            Job(LOG, self._sum_up_log, lane="own", is_stored=False),
        )
        for key in (PROOF, RELOAD):
            self._scheduler.set_next(key, None)  # only when there is something to do
        self._reconciler = Reconciler(services)
        self._edge_events = EdgeEventLog()
        self._followers: set[_Follower] = set()
        self._lock = asyncio.Lock()
        self._stop, self._started, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.starting: str | None = "it begins"
        """What a start is at; None as soon as the first round is through."""
        self._drain_timeout_ms = 0
        self._is_edge_met, self._adopted, self._boot = False, False, ""
        self._restarts = Restarts(0, None)
        self._rounds = 0
        self._last: RoundResult | None = None
        self._last_reload: ReloadStatus | None = None
        self._failure: Port443Error | None = None

    @asynccontextmanager
    async def running(self, desired: Desired) -> AsyncIterator[None]:
        """Bring the edge up and go through the first round; in the end take it down again.

        An edge that served before, or that serves now when something unforeseen ends this process, is left
        alone: it goes on, and the next control plane takes it over. Whoever cancels this wants an end at
        once: an edge that we started, or that was to be stopped, is not waited for. Raises `StopAsked` when
        `stop` comes before the first round is through.
        """
        try:
            await self._start_unless_stopped(desired)
            yield
        except asyncio.CancelledError:
            if self._is_edge_to_end(asked=self.is_stopping or not self._adopted):
                self._services.edge.kill()
            await self._let_go(end=False)
            raise
        except StopAsked:
            await self._let_go(end=self._is_edge_to_end(asked=True))
            raise
        except BaseException:
            is_of_no_use = self._last is None and not self._adopted
            await self._let_go(end=self._is_edge_to_end(asked=is_of_no_use))
            raise
        await self._let_go(end=self._is_edge_to_end(asked=True))

    async def run(self) -> None:
        """Keep the promises until `stop` is called."""
        async with asyncio.TaskGroup() as group:
            duties = (
                self._scheduler.run,
                self.listen,
                self._services.edge.watch,
            )
            tasks = [group.create_task(duty()) for duty in duties]
            try:
                await self._stop.wait()
            finally:
                self._edge_events.tell_suppressed()
            for task in tasks:
                task.cancel()

    async def run_due(self) -> None:
        """Do all that is due now."""
        await self._scheduler.run_due()

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

    @property
    def is_stopping(self) -> bool:
        """Whether `run` was asked to end."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Have `run` end, and a start that is under way."""
        self._stop.set()

    def request_reload(self) -> None:
        """Have the settings read again soon; how it went is in the log and the status."""
        self._scheduler.ask([RELOAD])

    # The verbs

    async def alive(self) -> Alive:
        """Say in what time a stop is done at the latest."""
        return Alive(self._drain_timeout_ms // 1000 + STOP_MARGIN_S)

    async def status(self) -> StatusDocument:
        """Say what runs, and whether it is what was meant."""
        round_, starting = self._last, self.starting  # while the others are asked, a round may go through
        edge, servers = await asyncio.gather(self._see_edge(), self._see_servers(round_))
        serve = ServeSeen(
            now=self._services.clock.now(),
            since=self._since,
            facts=self.facts,
            starting=starting,
            last_reload=self._last_reload,
            failure=self._failure,
            log_fault=self._log_fault(),
            servers=servers,
            jobs=self._scheduler.statuses(),
        )
        return status_document(serve, edge, round_)

    async def reload(self) -> Reloaded:
        """Read the settings again and apply them; wrong settings change nothing and are raised.

        Waits for a start that is under way; raises `ServeEnded` when that comes to nothing.
        """
        round_ = await self.apply_settings()
        problems = tuple(round_problems(round_, self._services.clock.now()))
        return Reloaded(round_.running, round_.changes, round_.is_whole, problems)

    async def ask_reload(self) -> ReloadAsked:
        """Have the settings read again soon."""
        self.request_reload()
        return ReloadAsked()

    async def stop(self) -> Stopped:
        """End serving, and say what goes on all the same."""
        edge = await self._see_edge()
        self.request_stop()
        await self._ended.wait()
        has_unit = self._ends_edge == "never"
        pid = edge.identity.pid if isinstance(edge, EdgeSeen) else None
        return Stopped(
            stopped=True,
            serve=self.facts.pid,
            edge=pid,
            edge_has_unit=has_unit,
            edge_goes_on=has_unit and pid is not None,
        )

    async def events(self) -> AsyncIterator[AppEvent | Event]:
        """Yield what happens from now on, until serving ends: the control plane's events, and the edge's.

        Whoever is too slow for `HELD_EVENTS` of them loses the oldest.
        """
        held: deque[AppEvent | Event] = deque(maxlen=HELD_EVENTS)
        follower = _Follower(held, asyncio.Event())
        self._followers.add(follower)
        try:
            while not self._ended.is_set() or held:
                while held:
                    yield held.popleft()
                if not self._ended.is_set():
                    await follower.woken.wait()
                    follower.woken.clear()
        finally:
            self._followers.discard(follower)

    def _tell(self, *events: AppEvent) -> None:
        """Have events in the log, and with whoever follows."""
        for event in events:
            log_event(event)
            self._publish(event)

    def _publish(self, event: AppEvent | Event) -> None:
        for follower in self._followers:
            follower.held.append(event)
            follower.woken.set()

    # Starting and ending

    async def _start_unless_stopped(self, desired: Desired) -> None:
        tasks = asyncio.ensure_future(self._start(desired)), asyncio.ensure_future(self._stop.wait())
        starting = tasks[0]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                raise StopAsked
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        starting.result()

    async def _start(self, desired: Desired) -> None:
        self._drain_timeout_ms = desired.limits.drain_timeout_ms
        place = f"{self.facts.runtime}/edge.sock"
        is_external = self._ends_edge == "never"
        self.starting = f"it waits for an edge to answer on {place}" if is_external else "it starts the edge"
        found = await self._services.edge.start()
        self._is_edge_met, self._adopted, self._boot = True, found.adopted, found.identity.boot
        self._reconciler.adopt(found.root)
        log.info("edge_adopted" if found.adopted else "edge_started", extra={"edge_pid": found.identity.pid})
        await self._scheduler.restore()
        async with self._lock:
            await self._bring_needs(desired, self._note_start)
            await self._go_through(desired, self._note_start)
        self.starting = None
        self._started.set()

    def _note_start(self, text: str) -> None:
        if self.starting is not None:
            self.starting = text

    def _is_edge_to_end(self, *, asked: bool) -> bool:
        return self._ends_edge == "always" or (self._ends_edge == "when asked" and asked)

    async def _let_go(self, *, end: bool) -> None:
        try:
            if self._is_edge_met and end:
                await self._services.edge.drain_and_stop()
            elif self._is_edge_met:
                await self._services.edge.leave()
        finally:
            self._ended.set()
            for follower in self._followers:
                follower.woken.set()
            self._started.set()  # nobody waits for what will not come

    # Rounds and jobs

    async def apply_settings(self) -> RoundResult:
        """Read the settings, bring what they need and go through a round; see `reload`."""
        await self._started.wait()
        if self._last is None:
            raise ServeEnded("port443 serve ended before its first round was through", "start it again")
        at = self._services.clock.now().isoformat(timespec="seconds")
        try:
            round_ = await self._apply(self._load())
        except Port443Error as error:
            self._last_reload = ReloadStatus(at, False, error.code, error.message, ())  # noqa: FBT003 - it failed
            self._tell(ReloadRefused(error.code, error.message))
            raise
        self._last_reload = ReloadStatus(at, True, None, None, round_.changes)  # noqa: FBT003 - it went well
        self._tell(SettingsReloaded(len(round_.changes), round_.running[:16]))
        return round_

    async def _apply(self, desired: Desired) -> RoundResult:
        async with self._lock:
            try:
                await self._bring_needs(desired)
                return await self._go_through(desired)
            except Port443Error:
                self._replace_jobs(self.round.desired)  # what ran before goes on
                raise

    def _replace_jobs(self, desired: Desired) -> None:
        self._scheduler.replace(JOB_KINDS, self._services.certificates.jobs(desired.sites))

    async def _bring_needs(self, desired: Desired, progress: Progress | None = None) -> None:
        """Run the jobs that need only this machine, so that the round has what they bring."""
        self._replace_jobs(desired)
        self._scheduler.ask_local()
        await self._scheduler.settle(progress)

    async def _go_through(self, desired: Desired, progress: Progress | None = None) -> RoundResult:
        """Go through a round, whose turn it is."""
        before = self._last
        self._last = await self._reconciler.reconcile(desired, progress)
        self._rounds += 1
        self._failure = None
        self._drain_timeout_ms = desired.limits.drain_timeout_ms
        self._scheduler.note(ROUND, Done(self._next_round(), f"{self._last.running[:16]} runs"))
        self._scheduler.set_next(PROOF, self._next_proof())
        self._tell(*round_events(self._last, before))
        return self._last

    async def _scheduled_round(self, progress: Progress) -> Done:
        known = self._rounds
        async with self._lock:
            if self._rounds == known or self._scheduler.is_due(ROUND):
                try:
                    await self._go_through(self.round.desired, progress)
                except Port443Error as error:
                    self._failure = error
                    self._tell(RoundFailed(error.code, error.message))
                    raise
        return Done(self._next_round(), f"{self.round.running[:16]} runs")

    async def _prove_again(self, progress: Progress) -> Done:
        """Make the handshakes again that showed something else than was meant."""
        async with self._lock:
            before = self.round
            progress("shaking hands")
            self._last = await self._reconciler.prove_again(before)
            self._tell(*round_events(self._last, before, anew=False))
        wrong = [proof for proof in self._last.proofs if proof.verdict != "same"]
        return Done(self._next_proof(), f"{len(wrong)} doubtful handshakes")

    async def _look_at_files(self, progress: Progress) -> Done:
        progress("looking at files")
        changed = self._services.certificates.changed_files()
        self._scheduler.ask(changed)
        return Done(self._services.clock.now() + FILES_LOOKED_AT, f"{len(changed)} changed")

    def _next_round(self) -> datetime:
        """Return when the next round is due; what the last one has not settled is not tried again at once."""
        round_ = self.round
        moments = [self._reconciler.tickets_due]
        moments += [due for step in round_.hsts_steps.values() if (due := next_step_due(step))]
        retry = round_.at + RETRY_AFTER_FAULT
        due = min((moment for moment in moments if moment > round_.at), default=retry)
        unsettled = round_.store_fault or any(moment <= round_.at for moment in moments)
        return min(due, retry) if unsettled else due

    def _next_proof(self) -> datetime | None:
        """Return when to look again at what was not served as meant; None when all of it was."""
        asked = [proof.at for proof in self.round.proofs if proof.verdict != "same"]
        return max(asked) + RETRY_AFTER_FAULT if asked else None

    async def listen(self) -> None:
        """Log what the edge tells; go through a round when it has been restarted."""
        async for event in self._services.edge.events():
            self._edge_events.tell(event)
            self._publish(event)
            if isinstance(event.body, EdgeStarted) and event.boot != self._boot:
                self._boot, self._adopted = event.boot, False
                at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
                self._restarts = Restarts(self._restarts.count + 1, at)
                self._tell(EdgeRestarted(event.boot))
                self._scheduler.ask([ROUND])

    async def _reload_as_asked(self, progress: Progress) -> Done:
        progress("reading the settings")
        try:
            round_ = await self.apply_settings()
        except Port443Error as error:
            # Not tried again by itself: whoever corrects the settings asks again.
            return Done(None, f"refused: {error.message}")
        return Done(None, f"{len(round_.changes)} changes")

    async def _sum_up_log(self, _: Progress) -> Done:
        kinds = self._edge_events.tell_suppressed()
        return Done(self._services.clock.now() + LOG_PERIOD, f"{kinds} kinds of lines were left out")

    # What is seen

    async def _see_servers(self, round_: RoundResult | None) -> dict[str, ServerStatus]:
        sites = round_.desired.sites if round_ else ()
        upstreams = [server for site in sites for server in site.upstreams]
        return await check_servers(self._services.outward, upstreams)

    async def _see_edge(self) -> EdgeSeen | Port443Error | None:
        """Return what the edge says, or why it says nothing; None while it is not there yet."""
        if not self._is_edge_met:
            return None
        edge = self._services.edge
        try:
            async with asyncio.timeout(EDGE_TIMEOUT_S):
                identity = await edge.identity(EDGE_TIMEOUT_S / 2)
                return EdgeSeen(identity, self._adopted, self._restarts, await edge.stats())
        except TimeoutError:
            hint = (
                f"if this stays, see {self.facts.runtime}/edge.log; an edge that is killed is started again"
            )
            return EdgeSilent(f"it does not answer within {EDGE_TIMEOUT_S:.0f} s", hint)
        except EdgeError as error:
            return error
