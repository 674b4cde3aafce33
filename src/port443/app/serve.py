"""`App`: the running `port443 serve`, with the verbs of its admin socket and of the command line.

Rounds apply the settings to the edge, jobs obtain what rounds need, and one scheduler runs both. It must not
know who calls its verbs, nor over what.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from port443.app.acme_attempt import Wanted
from port443.app.certificate_commands import CertificateCommands
from port443.app.event_log import EdgeEventLog, log_event, round_events
from port443.app.log_throttle import PERIOD_S
from port443.app.need_jobs import JOB_KINDS, certificate_job
from port443.app.own_scans import SCAN, OwnScans, first_at
from port443.app.problems import Restarts, round_problems
from port443.app.reconcile import Reconciler, RoundResult, Services
from port443.app.scheduler import ROUND, Done, Job, Scheduler
from port443.app.server_checks import check_servers
from port443.app.status import EdgeSeen, ServeFacts, ServeSeen, status_document
from port443.core.contract.events import EdgeStarted, Event
from port443.core.contract.identity import EdgeIdentity
from port443.core.control.answers import Alive, ReloadAsked, Reloaded, Stopped
from port443.core.control.certificates import (
    CertificateDocument,
    CertificateOrdered,
    CertificateRevoked,
    CertificatesDocument,
    PreflightCheck,
    PreflightDocument,
    RevocationWord,
)
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
from port443.ports import Dial, Progress

PROOF, RELOAD, FILES, LOG = "proof", "reload", "watched_files", "log"
FILES_LOOKED_AT = timedelta(seconds=5)
"""The interval between two checks of watched files."""
LOG_PERIOD = timedelta(seconds=PERIOD_S)
RETRY_AFTER_FAULT = timedelta(seconds=60)
ROUND_S = 3600.0
"""The limit of a round: ten thousand handshakes without an answer."""
EDGE_TIMEOUT_S = 3.0
"""How long a status waits for an edge that does not answer."""
HELD_EVENTS = 1000
AWAITED_EVERY_S = 0.2
"""How often it is said what certificates wait for."""
STOP_MARGIN_S = 30
"""The limit of an end beyond the drain time."""

EndsEdge = Literal["never", "on request", "always"]
"""An edge with its own unit is never ended by us; that of `serve` only on request, so that it outlives a
defect; that of the demo always."""

LogFault = Callable[[], Port443Error | None]
"""Returns why the log cannot be written to its file, or an empty string."""

log = logging.getLogger("port443")


def no_log_fault() -> None:
    """For a log that goes where it cannot fail."""


class StopAsked(Exception):
    """A stop was requested before the first round was complete."""


class EdgeSilent(EdgeError):
    """The edge did not answer in time, or is just being restarted.

    Clients may still be served. `port443 serve` restarts an edge that has crashed; one with its own unit is
    restarted by that: check its status.
    """

    code = "P443-E309"
    fault = "machine"
    retry = True


class ServeEnded(ServeError):
    """`port443 serve` ended before its first round was complete, and could not answer.

    It was stopped, or it could not start: its log has the reason. Start it again.
    """

    code = "P443-E424"
    fault = "operator"
    retry = True


@dataclass(frozen=True, slots=True, eq=False)
class _Follower:
    """A reader of the events, and those that it has not received yet."""

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
        ends_edge: EndsEdge = "on request",
        log_fault: LogFault = no_log_fault,
    ) -> None:
        """`load` reads the settings again; `facts` are part of the status unchanged."""
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
            Job(PROOF, self._repeat_proofs, lane="own", is_stored=False, within_s=ROUND_S),
            Job(RELOAD, self._scheduled_reload, lane="own", is_stored=False, within_s=ROUND_S),
            Job(FILES, self._check_files, is_stored=False),
            Job(LOG, self._summarise_log, lane="own", is_stored=False),
        )
        for key in (PROOF, RELOAD):
            self._scheduler.set_next(key, None)  # only when there is something to do
        self._reconciler = Reconciler(services)
        self._own_scans = None
        if services.roots is not None:
            self._own_scans = OwnScans(services.dial, services.clock, services.store, services.roots)
        self._commands = CertificateCommands(services.certificates.acme, self._scheduler, services.outward)
        services.certificates.answers.set_apply(self._publish_answers)
        services.certificates.acme.set_preflight(self._preflight_failure)
        self._edge_events = EdgeEventLog()
        self._followers: set[_Follower] = set()
        self._lock = asyncio.Lock()
        self._stop, self._started, self._ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.starting: str | None = "it begins"
        """The progress of a start; None once the first round is complete."""
        self._drain_timeout_ms = 0
        self._is_edge_met, self._adopted, self._boot = False, False, ""
        self._restarts = Restarts(0, None)
        self._rounds = 0
        self._round_went_through = asyncio.Event()
        """Set with the next round, and replaced."""
        self._last: RoundResult | None = None
        self._last_reload: ReloadStatus | None = None
        self._failure: Port443Error | None = None

    @asynccontextmanager
    async def running(self, desired: Desired) -> AsyncIterator[None]:
        """Start the edge and run the first round; at the end stop it again.

        An edge that served before, or that serves when an exception ends this process, is left running:
        the next control plane adopts it. Cancelling this ends it immediately: an edge that we started, or
        that was to be stopped, is not waited for. Raises `StopAsked` when `stop` is called before the
        first round is complete.
        """
        try:
            await self._start_unless_stopped(desired)
            yield
        except asyncio.CancelledError:
            if self._ends_edge_now(requested=self.is_stopping or not self._adopted):
                self._services.edge.kill()
            await self._release_edge(end=False)
            raise
        except StopAsked:
            await self._release_edge(end=self._ends_edge_now(requested=True))
            raise
        except BaseException:
            is_of_no_use = self._last is None and not self._adopted
            await self._release_edge(end=self._ends_edge_now(requested=is_of_no_use))
            raise
        await self._release_edge(end=self._ends_edge_now(requested=True))

    async def run(self) -> None:
        """Run all tasks until `stop` is called."""
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
                self._edge_events.log_suppressed()
            for task in tasks:
                task.cancel()

    async def awaited(self) -> AsyncIterator[str]:
        """Yield what first certificates on order wait for, until all of them are there or have failed once.

        Only while `run` runs anything changes. The last round has what came of it then.
        """
        while ordered := [site for site in self.round.pending if self.round.needs[site].fault is None]:
            jobs = {job.name: job.progress for job in self._scheduler.statuses()}
            more = f", and {len(ordered) - 1} more" if len(ordered) > 1 else ""
            yield f"{ordered[0]}: {jobs.get(certificate_job(ordered[0])) or 'waiting for its turn'}{more}"
            round_went_through = self._round_went_through
            with suppress(TimeoutError):
                async with asyncio.timeout(AWAITED_EVERY_S):
                    await round_went_through.wait()

    async def run_due(self) -> None:
        """Do all that is due now."""
        await self._scheduler.run_due()

    @property
    def round(self) -> RoundResult:
        """The last round."""
        if self._last is None:
            raise ServeError("the first round is not complete yet")
        return self._last

    @property
    def dial(self) -> Dial:
        """The way to our own listeners."""
        return self._services.dial

    async def edge_identity(self) -> EdgeIdentity:
        """Request the edge's identity."""
        return await self._services.edge.identity()

    @property
    def is_stopping(self) -> bool:
        """Whether `run` was requested to end."""
        return self._stop.is_set()

    def request_stop(self) -> None:
        """Have `run` end, and a start that is under way."""
        self._stop.set()

    def request_reload(self) -> None:
        """Have the settings read again soon; how it went is in the log and the status."""
        self._scheduler.make_due([RELOAD])

    # The verbs

    async def alive(self) -> Alive:
        """Return the time within which a stop is complete, in seconds."""
        return Alive(self._drain_timeout_ms // 1000 + STOP_MARGIN_S)

    async def status(self) -> StatusDocument:
        """Return what runs, and whether it matches the settings."""
        round_, starting = self._last, self.starting  # while the others are queried, a round may complete
        edge, servers = await asyncio.gather(self._edge_state(), self._server_status(round_))
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

    async def certificates(self) -> CertificatesDocument:
        """Return a line for the certificate of each site, the one at the greatest risk first."""
        return await self._commands.list(await self._first_round())

    async def certificate(self, name: str) -> CertificateDocument:
        """Return all that is known of the certificate of the site with that name."""
        return await self._commands.show(await self._first_round(), name)

    async def order_certificate(self, name: str, *, anew: bool) -> CertificateOrdered:
        """Have a certificate ordered now, and say what came of it; `anew`: also beside a good one."""
        return await self._commands.order(await self._first_round(), name, anew=anew)

    async def preflight(self, name: str) -> PreflightDocument:
        """Look at what an order of a site's certificate depends on, and order nothing."""
        return await self._commands.preflight(await self._first_round(), name)

    async def revoke_certificate(self, name: str, reason: RevocationWord) -> CertificateRevoked:
        """Have a certificate revoked, after another one was ordered in its place, if that can be had."""
        return await self._commands.revoke(await self._first_round(), name, reason)

    async def stop(self) -> Stopped:
        """End serving, and return what is still running."""
        edge = await self._edge_state()
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
        """Yield events from now on, until serving ends: the control plane's, and the edge's.

        A reader that falls behind by `HELD_EVENTS` loses the oldest.
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

    def _emit(self, *events: AppEvent) -> None:
        """Pass events to the log, and to the readers."""
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
            await self._run_local_jobs(desired, self._note_start)
            await self._run_round(desired, self._note_start)
        self.starting = None
        self._started.set()

    def _note_start(self, text: str) -> None:
        if self.starting is not None:
            self.starting = text

    def _ends_edge_now(self, *, requested: bool) -> bool:
        return self._ends_edge == "always" or (self._ends_edge == "on request" and requested)

    async def _release_edge(self, *, end: bool) -> None:
        try:
            if self._is_edge_met and end:
                await self._services.edge.drain_and_stop()
            elif self._is_edge_met:
                await self._services.edge.leave()
        finally:
            self._ended.set()
            for follower in self._followers:
                follower.woken.set()
            self._started.set()  # a start that failed is not waited for

    # Rounds and jobs

    async def apply_settings(self) -> RoundResult:
        """Read the settings, run the local jobs and a round; see `reload`."""
        await self._first_round()
        at = self._services.clock.now().isoformat(timespec="seconds")
        try:
            round_ = await self._apply(self._load())
        except Port443Error as error:
            self._last_reload = ReloadStatus(at, False, error.code, error.message, ())  # noqa: FBT003 - it failed
            self._emit(ReloadRefused(error.code, error.message))
            raise
        self._last_reload = ReloadStatus(at, True, None, None, round_.changes)  # noqa: FBT003 - it went well
        self._emit(SettingsReloaded(len(round_.changes), round_.running[:16]))
        return round_

    async def _first_round(self) -> RoundResult:
        """Return the last round, after a start that is under way; raises `ServeEnded` when there is none."""
        await self._started.wait()
        if self._last is None:
            raise ServeEnded("port443 serve ended before its first round was complete", "start it again")
        return self._last

    async def _preflight_failure(self, wanted: Wanted) -> PreflightCheck | None:
        return await self._commands.preflight_failure(self.round, wanted)

    async def _publish_answers(self) -> None:
        """Have the edge answer CAs' challenges as they stand now, with all else as it is."""
        async with self._lock:
            self._last = await self._reconciler.publish(self.round)

    async def _apply(self, desired: Desired) -> RoundResult:
        async with self._lock:
            try:
                await self._run_local_jobs(desired)
                return await self._run_round(desired)
            except Port443Error:
                self._replace_jobs(self.round.desired)  # what ran before still runs
                raise

    def _replace_jobs(self, desired: Desired) -> None:
        self._scheduler.replace(JOB_KINDS, self._services.certificates.jobs(desired.sites))

    async def _run_local_jobs(self, desired: Desired, progress: Progress | None = None) -> None:
        """Run the jobs that need only this machine, so that the round has their results."""
        self._replace_jobs(desired)
        self._scheduler.make_local_due()
        await self._scheduler.settle(progress)

    async def _run_round(self, desired: Desired, progress: Progress | None = None) -> RoundResult:
        """Run a round, with the lock held."""
        before = self._last
        self._last = await self._reconciler.reconcile(desired, progress)
        self._rounds += 1
        self._round_went_through.set()
        self._round_went_through = asyncio.Event()
        self._failure = None
        self._drain_timeout_ms = desired.limits.drain_timeout_ms
        self._scheduler.note(ROUND, Done(self._next_round(), f"{self._last.running[:16]} runs"))
        self._scheduler.set_next(PROOF, self._next_proof())
        self._emit(*round_events(self._last, before))
        self._plan_scans(self._last)
        return self._last

    def _plan_scans(self, round_: RoundResult) -> None:
        """Have what was changed scanned, once it has been left alone for a while."""
        if self._own_scans is None:
            return
        jobs = list(self._own_scans.jobs(round_, self._emit))
        self._scheduler.replace((SCAN,), jobs)
        for job in jobs:
            if self._scheduler.is_due(job.key):
                self._scheduler.set_next(job.key, first_at(round_.at))

    async def _scheduled_round(self, progress: Progress) -> Done:
        known = self._rounds
        async with self._lock:
            if self._rounds == known or self._scheduler.is_due(ROUND):
                try:
                    await self._run_round(self.round.desired, progress)
                except Port443Error as error:
                    self._failure = error
                    self._emit(RoundFailed(error.code, error.message))
                    raise
        return Done(self._next_round(), f"{self.round.running[:16]} runs")

    async def _repeat_proofs(self, progress: Progress) -> Done:
        """Repeat the handshakes that did not match."""
        async with self._lock:
            before = self.round
            progress("making handshakes")
            self._last = await self._reconciler.prove_again(before)
            self._emit(*round_events(self._last, before, is_new=False))
        wrong = [proof for proof in self._last.proofs if proof.verdict != "same"]
        return Done(self._next_proof(), f"{len(wrong)} doubtful handshakes")

    async def _check_files(self, progress: Progress) -> Done:
        progress("looking at files")
        changed = self._services.certificates.changed_files()
        self._scheduler.make_due(changed)
        return Done(self._services.clock.now() + FILES_LOOKED_AT, f"{len(changed)} changed")

    def _next_round(self) -> datetime:
        """Return when the next round is due; a fault of the last one is not retried immediately."""
        round_ = self.round
        times = [self._reconciler.tickets_due]
        times += [due for step in round_.hsts_steps.values() if (due := next_step_due(step))]
        retry = round_.at + RETRY_AFTER_FAULT
        due = min((moment for moment in times if moment > round_.at), default=retry)
        unsettled = round_.store_fault or any(moment <= round_.at for moment in times)
        return min(due, retry) if unsettled else due

    def _next_proof(self) -> datetime | None:
        """Return when to repeat the proofs that did not match; None when all did."""
        asked = [proof.at for proof in self.round.proofs if proof.verdict != "same"]
        return max(asked) + RETRY_AFTER_FAULT if asked else None

    async def listen(self) -> None:
        """Log the edge's events; run a round when the edge has been restarted."""
        async for event in self._services.edge.events():
            self._edge_events.record(event)
            self._publish(event)
            if isinstance(event.body, EdgeStarted) and event.boot != self._boot:
                self._boot, self._adopted = event.boot, False
                at = datetime.fromtimestamp(event.at_ms / 1000, UTC)
                self._restarts = Restarts(self._restarts.count + 1, at)
                self._emit(EdgeRestarted(event.boot))
                self._scheduler.make_due([ROUND])

    async def _scheduled_reload(self, progress: Progress) -> Done:
        progress("reading the settings")
        try:
            round_ = await self.apply_settings()
        except Port443Error as error:
            # Not retried by itself: correcting the settings includes a reload.
            return Done(None, f"refused: {error.message}")
        return Done(None, f"{len(round_.changes)} changes")

    async def _summarise_log(self, _: Progress) -> Done:
        kinds = self._edge_events.log_suppressed()
        return Done(self._services.clock.now() + LOG_PERIOD, f"{kinds} kinds of lines were left out")

    # State for the status

    async def _server_status(self, round_: RoundResult | None) -> dict[str, ServerStatus]:
        sites = round_.desired.sites if round_ else ()
        upstreams = [server for site in sites for server in site.upstreams]
        return await check_servers(self._services.outward, upstreams)

    async def _edge_state(self) -> EdgeSeen | Port443Error | None:
        """Return the edge's statistics, or the error; None while it is not there yet."""
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
