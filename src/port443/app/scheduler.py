"""Jobs, and the rounds beside them: when each runs next, how many concurrently, their results, and retries.

It must not know what a job does. A job that needs only this machine is *local*: it runs at each start and
reload, whatever its last result, and a round waits for it. The state of the others outlives the process.
Each lane has its own workers, so that no job waits for those of another lane.

    waiting ── due ──► queued ── a worker is free ──► running
       ▲                                                 ├── Done: next at `next_at`, or when it is asked to
       └─────────────────────────────────────────────────┴── error or time-out: next after `pause(failures)`,
                                                              and not before the error's `retry_at`

    any of them ── no longer among the jobs ──► removed; a run that is under way is cancelled

A round leaves *waiting* only while no local job is due, queued or running.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from port443.core.control.status import JobStatus
from port443.core.errors import Port443Error, ServeError, StoreError
from port443.core.renew.when import retry_pause
from port443.ports import Clock, JobMemory, JobRecord, Progress

AT_ONCE = 8
WITHIN_S = 300.0
SHORTEST_PAUSE = timedelta(seconds=1)
"""The shortest time between runs of a job, so that none can delay the others."""
LONGEST_WAIT_S = 5.0
"""The longest sleep: after it the clock is read again, which may have been set."""
GATHER_S = 0.1
"""Jobs that are due within this time run together."""
ROUND = "round"

Lane = Literal["local", "own", "foreign"]
"""`local`: it needs only this machine, and no round; starts and reloads run it, and rounds wait for it.
`own`: the work of `serve` itself, such as rounds. `foreign`: it calls other services, which may be slow."""


class JobTimedOut(ServeError):
    """A job of `port443 serve` did not end within its time limit, and was cancelled.

    It is retried, first after a minute, then less and less often; what was there before is not affected. A
    disk or a network that hangs is the usual cause: see the log of the system.
    """

    code = "P443-E423"
    fault = "machine"
    retry = True


@dataclass(frozen=True, slots=True)
class Done:
    """The result of a run of a job."""

    next_at: datetime | None
    """When it runs next; None: on request."""
    summary: str
    """The outcome, as a short text for people."""
    wakes_round: bool = False
    """Whether a round has something to apply now."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do, again and again. `run` raises `Port443Error` when it comes to nothing."""

    key: str
    """Its kind, and a slash with its subject: `certificate/app.example.com`."""
    run: Callable[[Progress], Awaitable[Done]]
    spec: str = ""
    """What the job is for; results of another spec do not count."""
    lane: Lane = "local"
    """The workers it shares with other jobs, and what waits for it."""
    is_stored: bool = True
    """Whether the store keeps where it stands."""
    runs_at_start: bool = False
    """Whether it runs at each start, unless it has failed: then it costs nobody anything."""
    within_s: float = WITHIN_S
    """How long one run may take."""
    pause: Callable[[int], timedelta] = retry_pause
    """How long to wait after so many failures in a row."""


@dataclass(slots=True)
class _Entry:
    job: Job
    next_at: datetime | None
    failures: int = 0
    last: JobRecord | None = None
    progress: str | None = None
    timeout: asyncio.Timeout | None = None
    """The bound of the run that is under way."""
    ended: asyncio.Event | None = None
    """Set when the run that is under way, or about to begin, has ended; None when there is none."""
    waiting: list[asyncio.Future[JobRecord | None]] = field(default_factory=list)
    """Who waits for the run after the one that is under way."""

    def is_due(self, now: datetime) -> bool:
        # Before its last run: the clock was ahead, and the result may not be valid yet.
        is_behind = self.last is not None and now < self.last.at
        return self.ended is None and (is_behind or (self.next_at is not None and self.next_at <= now))


@dataclass(slots=True)
class _Workers:
    """The tasks that run what is queued in one lane, at most `AT_ONCE` of them."""

    queue: deque[_Entry] = field(default_factory=deque)
    count: int = 0


class Scheduler:
    """Runs jobs when they are due. The round is one of them, and starts when no local job is due or runs."""

    def __init__(self, clock: Clock, memory: JobMemory) -> None:
        self._clock = clock
        self._memory = memory
        self._entries: dict[str, _Entry] = {}
        self._records: dict[str, JobRecord] = {}
        """The stored states of an earlier process."""
        self._unsaved: dict[str, JobRecord | None] = {}
        self._workers: dict[Lane, _Workers] = {lane: _Workers() for lane in get_args(Lane)}
        self._woken = asyncio.Event()

    async def restore(self) -> None:
        """Read the states that the last process stored; without a store all jobs start afresh."""
        try:
            self._records = dict(await self._memory.job_records())
        except StoreError:
            self._records = {}

    def add(self, *jobs: Job) -> None:
        """Add jobs, due immediately unless an earlier process stored a time; an unchanged one stays as it is.

        One that gets another spec while it runs, runs once more after that.
        """
        now = self._clock.now()
        for job in jobs:
            entry = self._entries.get(job.key)
            if entry is None:
                self._entries[job.key] = _restored(job, self._records.pop(job.key, None), now)
            elif entry.job.spec == job.spec:
                entry.job = job
            else:
                entry.job, entry.next_at, entry.failures, entry.last = job, now, 0, None

    def replace(self, kinds: Collection[str], jobs: Iterable[Job]) -> None:
        """Replace the jobs of these kinds: runs of those that are removed are cancelled."""
        wanted = {job.key: job for job in jobs}
        for key in {*self._entries, *self._records} - wanted.keys():
            if _kind(key) in kinds:
                self._remove(key)
        self.add(*wanted.values())

    def _remove(self, key: str) -> None:
        self._records.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is None or entry.job.is_stored:
            self._unsaved[key] = None
        if entry:
            _resolve(entry.waiting, None)
        if entry and entry.timeout:
            entry.timeout.reschedule(0.0)

    def make_due(self, keys: Iterable[str]) -> None:
        """Make jobs due now; one that is running runs once more."""
        now = self._clock.now()
        for key in keys:
            if entry := self._entries.get(key):
                entry.next_at = now
        self._woken.set()

    async def finish(self, key: str) -> JobRecord | None:
        """Make a job due and return its next result; None when it was removed meanwhile.

        A run that is under way does not count: it began before.
        """
        if key not in self._entries:
            return None
        ended: asyncio.Future[JobRecord | None] = asyncio.get_running_loop().create_future()
        self._entries[key].waiting.append(ended)
        self.make_due([key])
        return await ended

    def make_local_due(self) -> None:
        """Make every local job due, for a start or a reload."""
        self.make_due([key for key, entry in self._entries.items() if entry.job.lane == "local"])

    def set_next(self, key: str, at: datetime | None) -> None:
        """Set when a job runs next."""
        self._entries[key].next_at = at
        self._woken.set()

    def note(self, key: str, done: Done) -> None:
        """Record a result that was obtained elsewhere."""
        entry = self._entries[key]
        entry.next_at, entry.failures = done.next_at, 0
        self._note(entry, done.next_at, None, done.summary)

    def next_at(self, key: str) -> datetime | None:
        """Return when a job runs next; None: on request."""
        return self._entries[key].next_at

    @property
    def next_time(self) -> datetime | None:
        """The time of the next due job, apart from those that run."""
        times = (entry.next_at for entry in self._entries.values() if entry.ended is None)
        return min((at for at in times if at), default=None)

    def is_due(self, key: str) -> bool:
        """Whether a job is to run now; one that runs counts when it is to run once more."""
        at = self._entries[key].next_at
        return at is not None and at <= self._clock.now()

    def statuses(self) -> tuple[JobStatus, ...]:
        """Return the state of every job, by key."""
        return tuple(_status(self._entries[key]) for key in sorted(self._entries))

    async def settle(self, progress: Progress | None = None) -> None:
        """Run every local job that is due, and wait for those under way."""
        while entries := self._local_at_work():
            await self._work_off(entries, progress)
        await self._save()

    async def run_due(self) -> None:
        """Run what is due, and then a round if one is, until nothing is."""
        while entries := self._due():
            await self._work_off(entries)
        await self._save()

    async def run(self) -> None:
        """Run each job when it is due, for ever. An error that is no `Port443Error` is raised."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._woken.clear()
                self._start(group, self._due())
                await self._save()
                await self._wait()
                await asyncio.sleep(GATHER_S)

    async def _wait(self) -> None:
        now, next_at = self._clock.now(), self.next_time
        pause_s = LONGEST_WAIT_S if next_at is None else (next_at - now).total_seconds()
        if self._local_at_work():
            pause_s = LONGEST_WAIT_S  # the round waits for local jobs, and their end wakes this task
        try:
            # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with the event.
            async with asyncio.timeout(min(max(pause_s, 0.0), LONGEST_WAIT_S)):
                await self._woken.wait()
        except TimeoutError:
            return

    def _due(self) -> list[_Entry]:
        """Return the jobs that may start now."""
        now = self._clock.now()
        due = [entry for entry in self._entries.values() if entry.is_due(now)]
        return [entry for entry in due if entry.job.key != ROUND] if self._local_at_work() else due

    def _local_at_work(self) -> list[_Entry]:
        """Return the local jobs that run or are due."""
        now = self._clock.now()
        return [
            entry
            for entry in self._entries.values()
            if entry.job.lane == "local" and (entry.ended or entry.is_due(now))
        ]

    async def _work_off(self, entries: list[_Entry], progress: Progress | None = None) -> None:
        """Run those that do not run yet, and wait until all have ended."""
        async with asyncio.TaskGroup() as group:
            self._start(group, [entry for entry in entries if entry.ended is None])
            awaited = [entry.ended for entry in entries if entry.ended]
            for number, ended in enumerate(awaited):
                if progress:
                    progress(f"{number} of {len(awaited)} jobs are done")
                await ended.wait()

    def _start(self, group: asyncio.TaskGroup, entries: list[_Entry]) -> None:
        for entry in entries:
            entry.ended = asyncio.Event()
            workers = self._workers[entry.job.lane]
            workers.queue.append(entry)
            if workers.count < AT_ONCE:
                workers.count += 1
                group.create_task(self._work(workers))

    async def _work(self, workers: _Workers) -> None:
        try:
            while workers.queue:
                entry = workers.queue.popleft()
                if self._is_registered(entry):
                    await self._run(entry)
                elif entry.ended:
                    entry.ended.set()  # removed meanwhile
        finally:
            workers.count -= 1

    async def _run(self, entry: _Entry) -> None:
        started, entry.next_at = self._clock.now(), None
        job = entry.job
        waiting, entry.waiting = entry.waiting, []

        def progress(text: str) -> None:
            entry.progress = text

        try:
            async with asyncio.timeout(job.within_s) as entry.timeout:
                done = await job.run(progress)
        except TimeoutError:
            self._failed(entry, JobTimedOut(f"{job.key} did not end within {job.within_s:g} s"))
        except Port443Error as error:
            self._failed(entry, error)
        else:
            self._succeeded(entry, done, started)
        finally:
            ended, entry.ended, entry.progress, entry.timeout = entry.ended, None, None, None
            if ended:
                ended.set()
            _resolve(waiting, entry.last)
            self._woken.set()

    def _succeeded(self, entry: _Entry, done: Done, started: datetime) -> None:
        failed_before, entry.failures = entry.failures > 0, 0
        asked = entry.next_at
        if done.next_at is not None:
            entry.next_at = min(asked or done.next_at, max(done.next_at, started + SHORTEST_PAUSE))
        self._note(entry, entry.next_at, None, done.summary)
        if done.wakes_round or failed_before:
            self._wake_round(entry)

    def _failed(self, entry: _Entry, error: Port443Error) -> None:
        now = self._clock.now()
        entry.failures += 1
        next_at = max(now + entry.job.pause(entry.failures), error.retry_at or now)
        entry.next_at = min(entry.next_at or next_at, next_at)
        last = entry.last
        is_new = last is None or (last.code, last.message) != (error.code, error.message)
        self._note(entry, entry.next_at, error.code, error.message)
        if is_new:
            self._wake_round(entry)

    def _note(self, entry: _Entry, next_at: datetime | None, code: str | None, message: str) -> None:
        now = self._clock.now()
        entry.last = record = JobRecord(entry.job.spec, next_at, entry.failures, now, code, message)
        if entry.job.is_stored and self._is_registered(entry):
            self._unsaved[entry.job.key] = record

    def _wake_round(self, entry: _Entry) -> None:
        if entry.job.key != ROUND and self._is_registered(entry):
            self.make_due([ROUND])

    def _is_registered(self, entry: _Entry) -> bool:
        """Whether the job was not removed, before the run or during it."""
        return self._entries.get(entry.job.key) is entry

    async def _save(self) -> None:
        """Store the changes in one transaction; what cannot be stored is retried the next time."""
        unsaved, self._unsaved = self._unsaved, {}
        if not unsaved:
            return
        try:
            await self._memory.save_jobs(unsaved)
        except StoreError:
            self._unsaved = unsaved | self._unsaved  # a round gets and reports the same error


def _restored(job: Job, record: JobRecord | None, now: datetime) -> _Entry:
    if record is None or record.spec != job.spec:
        return _Entry(job, now)
    next_at = now if job.runs_at_start and not record.failures else record.next_at
    return _Entry(job, next_at, record.failures, record)


def _resolve(waiting: Iterable[asyncio.Future[JobRecord | None]], record: JobRecord | None) -> None:
    for one in waiting:
        if not one.done():  # whoever waited may have gone
            one.set_result(record)


def _kind(key: str) -> str:
    return key.partition("/")[0]


def _status(entry: _Entry) -> JobStatus:
    last = entry.last
    return JobStatus(
        name=entry.job.key,
        state="running" if entry.ended else "waiting",
        progress=entry.progress,
        next_at=_text(entry.next_at),
        failures=entry.failures,
        last_at=_text(last.at) if last else None,
        last_code=last.code if last else None,
        last_message=last.message if last else None,
    )


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
