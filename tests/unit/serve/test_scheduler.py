"""Jobs on a simulated clock: when they run, how many at once, what is retried, what outlives the process."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from memory_store import MemoryStore
from port443.app import scheduler as module
from port443.app.scheduler import AT_ONCE, ROUND, Done, Job, Lane, Scheduler
from port443.core.control.status import JobStatus
from port443.core.errors import CertificateError, StoreError
from port443.ports import Progress
from standin_clock import StandInClock
from waiting import HANG_S, await_until

HOUR = timedelta(hours=1)


@dataclass
class Work:
    """A job that says when it wants to run again, or fails as often as it is told to."""

    clock: StandInClock
    key: str
    pause: timedelta | None = HOUR
    failures: int = 0
    wakes_round: bool = False
    ran_at: list[datetime] = field(default_factory=list)

    async def run(self, progress: Progress) -> Done:
        progress("at it")
        self.ran_at.append(self.clock.now())
        if self.failures:
            self.failures -= 1
            raise CertificateError("not this time")
        next_at = self.clock.now() + self.pause if self.pause else None
        return Done(next_at, "done", wakes_round=self.wakes_round)

    def job(self, *, spec: str = "", lane: Lane = "local", within_s: float = HANG_S) -> Job:
        return Job(self.key, self.run, spec, "own" if self.key == ROUND else lane, within_s=within_s)


@dataclass
class Bench:
    """A scheduler, and what a round that it starts leaves."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StandInClock = field(default_factory=StandInClock)
    scheduler: Scheduler = field(init=False)
    rounds: Work = field(init=False)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.clock, self.store)
        self.rounds = Work(self.clock, ROUND, pause=None)

    def work(self, key: str, **values: object) -> Work:
        return Work(self.clock, key, **values)  # type: ignore[arg-type]

    def pass_time(self, **span: float) -> None:
        """Let time pass, and do what is due then."""
        self.clock.advance(**span)
        asyncio.run(self.scheduler.run_due())

    def status(self, key: str) -> JobStatus:
        (status,) = (one for one in self.scheduler.statuses() if one.name == key)
        return status


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_job_runs_at_once_and_then_when_it_wants_to(bench: Bench) -> None:
    work = bench.work("a/1")
    bench.scheduler.add(work.job())
    begin = bench.clock.now()
    bench.pass_time()
    bench.pass_time(minutes=59)
    bench.pass_time(minutes=1)
    assert work.ran_at == [begin, begin + HOUR]
    assert (bench.status("a/1").last_message, bench.status("a/1").failures) == ("done", 0)


def test_failures_are_retried_later_and_later_and_counted(bench: Bench) -> None:
    """A minute, two, four, up to an hour; after a success it begins anew."""
    work = bench.work("a/1", failures=9)
    bench.scheduler.add(work.job())
    bench.pass_time()
    pauses = []
    while work.failures:
        due = bench.scheduler.next_at("a/1")
        assert due
        pauses.append((due - bench.clock.now()) / timedelta(minutes=1))
        bench.clock.moment = due - timedelta(seconds=1)
        bench.pass_time()
        bench.pass_time(seconds=1)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (bench.status("a/1").failures, bench.status("a/1").last_code) == (9, "P443-E200")
    bench.pass_time(hours=1)
    assert (bench.status("a/1").failures, bench.status("a/1").last_code) == (0, None)


def test_an_error_says_before_when_trying_again_is_of_no_use(bench: Bench) -> None:
    """The later of that moment and the pause counts."""
    now = bench.clock.now()

    def failing(after: timedelta) -> Callable[[Progress], Awaitable[Done]]:
        async def run(_: Progress) -> Done:
            error = CertificateError("not before")
            error.retry_at = now + after
            raise error

        return run

    bench.scheduler.add(Job("a/1", failing(timedelta(days=2))), Job("a/2", failing(timedelta(seconds=1))))
    bench.pass_time()
    assert bench.scheduler.next_at("a/1") == now + timedelta(days=2)
    assert bench.scheduler.next_at("a/2") == now + timedelta(minutes=1)


def test_what_costs_nobody_anything_runs_at_each_start(bench: Bench) -> None:
    """Unless it has failed: then it waits as it would have."""
    good, bad = bench.work("a/1"), bench.work("a/2", failures=1)

    def start() -> None:
        bench.scheduler = Scheduler(bench.clock, bench.store)
        asyncio.run(bench.scheduler.restore())
        bench.scheduler.add(*(Job(work.key, work.run, runs_at_start=True) for work in (good, bad)))
        bench.pass_time()

    start()
    start()
    assert (len(good.ran_at), len(bad.ran_at)) == (2, 1)


def test_whoever_asks_for_a_run_is_told_what_came_of_it(bench: Bench) -> None:
    """Of a run that began after they asked; and of none when the job is taken away before."""
    started, gate, runs = asyncio.Event(), asyncio.Event(), 0

    async def run(_: Progress) -> Done:
        nonlocal runs
        runs += 1
        number = runs
        started.set()
        await gate.wait()
        return Done(None, f"run {number}")

    async def play() -> None:
        bench.scheduler.add(Job("a/1", run, lane="foreign"))
        task = asyncio.ensure_future(bench.scheduler.run())
        await started.wait()
        asked = asyncio.ensure_future(bench.scheduler.finish("a/1"))
        await asyncio.sleep(0)
        gate.set()
        record = await asyncio.wait_for(asked, HANG_S)
        assert record
        assert (record.message, record.code) == ("run 2", None)
        gate.clear()
        taken = asyncio.ensure_future(bench.scheduler.finish("a/1"))
        await asyncio.sleep(0)
        bench.scheduler.replace({"a"}, [])
        assert await asyncio.wait_for(taken, HANG_S) is None
        assert await bench.scheduler.finish("a/1") is None
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(play())


def test_the_next_process_goes_on_where_this_one_was(bench: Bench) -> None:
    """What waits after failures waits on, and counts on; with another spec or no store it begins anew."""
    bench.scheduler.add(bench.work("a/1", failures=3).job(spec="x"), bench.work("a/2").job())
    bench.pass_time()
    bench.pass_time(minutes=1)

    def restarted(spec: str) -> tuple[Scheduler, Work]:
        following, work = Scheduler(bench.clock, bench.store), bench.work("a/1", failures=1)
        asyncio.run(following.restore())
        following.add(work.job(spec=spec))
        asyncio.run(following.run_due())
        return following, work

    following, work = restarted("x")
    assert work.ran_at == []
    bench.clock.advance(minutes=2)
    asyncio.run(following.run_due())
    assert len(work.ran_at) == 1
    (status,) = following.statuses()
    assert status.failures == 3
    assert len(restarted("y")[1].ran_at) == 1
    bench.store.broken = StoreError("gone")
    assert len(restarted("y")[1].ran_at) == 1


def test_jobs_that_nobody_wants_any_more_are_forgotten(bench: Bench) -> None:
    """Also in the store, and also those of an earlier process; other kinds stay."""
    bench.scheduler.add(bench.work("a/1").job(), bench.work("a/2").job(), bench.work("b/1").job())
    bench.pass_time()
    bench.scheduler = Scheduler(bench.clock, bench.store)
    asyncio.run(bench.scheduler.restore())
    bench.scheduler.replace({"a"}, [bench.work("a/2").job()])
    asyncio.run(bench.scheduler.settle())
    assert asyncio.run(bench.store.job_records()).keys() == {"a/2", "b/1"}
    bench.scheduler.replace({"a", "b"}, [])
    assert bench.scheduler.statuses() == ()
    asyncio.run(bench.scheduler.settle())
    assert asyncio.run(bench.store.job_records()) == {}


def test_no_more_than_so_many_run_at_once(bench: Bench) -> None:
    running, most = 0, 0

    async def run(_: Progress) -> Done:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return Done(None, "done")

    bench.scheduler.add(*(Job(f"a/{number}", run) for number in range(50)))
    bench.pass_time()
    assert most == AT_ONCE
    assert {status.last_message for status in bench.scheduler.statuses()} == {"done"}


@pytest.mark.machine
def test_a_job_that_hangs_is_given_up_and_tried_again(bench: Bench) -> None:
    async def hang(_: Progress) -> Done:
        await asyncio.Event().wait()
        raise AssertionError

    bench.scheduler.add(Job("a/1", hang, within_s=0.01))
    bench.pass_time()
    status = bench.status("a/1")
    assert (status.last_code, status.state, status.failures) == ("P443-E423", "waiting", 1)


def test_a_clock_that_was_ahead_makes_everything_due(bench: Bench) -> None:
    work = bench.work("a/1", pause=timedelta(days=300))
    bench.scheduler.add(work.job())
    bench.pass_time(days=365)
    bench.pass_time(days=-365)
    assert len(work.ran_at) == 2
    assert bench.scheduler.next_at("a/1") == bench.clock.now() + timedelta(days=300)


# Rounds


def test_a_round_waits_for_local_jobs_and_takes_what_all_of_them_bring(bench: Bench) -> None:
    """It goes through once, after them; a job that brings nothing new wakes none."""
    seen: list[int] = []
    works = [bench.work(f"a/{number}", wakes_round=True) for number in range(20)]

    async def go_through(_: Progress) -> Done:
        seen.append(sum(len(work.ran_at) for work in works))
        return Done(None, "done")

    bench.scheduler.add(Job(ROUND, go_through, lane="own"), *(work.job() for work in works))
    bench.pass_time()
    assert seen == [20]
    for work in works:
        work.wakes_round = False
    bench.pass_time(hours=1)
    assert seen == [20]


def test_a_fault_wakes_a_round_once_and_so_does_its_end(bench: Bench) -> None:
    work = bench.work("a/1", failures=3)
    bench.scheduler.add(bench.rounds.job(), work.job())
    bench.pass_time()
    assert len(bench.rounds.ran_at) == 1
    bench.pass_time(minutes=1)
    bench.pass_time(minutes=2)
    assert (len(work.ran_at), len(bench.rounds.ran_at)) == (3, 1)
    bench.pass_time(minutes=4)
    assert (len(work.ran_at), len(bench.rounds.ran_at)) == (4, 2)


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def played() -> None:
        await scenario()

    asyncio.run(played())


async def while_running(scheduler: Scheduler, until: Callable[[], object]) -> None:
    """Have the scheduler run by itself until something is so."""
    running = asyncio.ensure_future(scheduler.run())
    try:
        await await_until(lambda: until() or running.done())
    finally:
        running.cancel()
        await asyncio.wait([running])
    assert running.cancelled()


def test_a_job_that_waits_for_others_holds_up_no_round(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes; what it brings wakes another round, and its progress is seen."""
    monkeypatch.setattr(module, "GATHER_S", 0.0)

    async def scenario() -> None:
        answered = asyncio.Event()

        async def order(progress: Progress) -> Done:
            progress("waiting for the CA")
            await answered.wait()
            return Done(None, "issued", wakes_round=True)

        local = bench.work("a/1", wakes_round=True)
        bench.scheduler.add(bench.rounds.job(), local.job(), Job("order/1", order, lane="foreign"))
        await while_running(bench.scheduler, lambda: bench.rounds.ran_at)
        status = bench.status("order/1")
        assert (status.state, status.progress) == ("waiting", None)

        async def answer_later() -> None:
            await await_until(lambda: bench.status("order/1").progress == "waiting for the CA")
            count = len(bench.rounds.ran_at)
            answered.set()
            await await_until(lambda: len(bench.rounds.ran_at) > count)

        bench.scheduler.make_due(["order/1"])
        task = asyncio.ensure_future(answer_later())
        await while_running(bench.scheduler, task.done)
        await task

    play(scenario)


def test_whoever_settles_beside_a_running_scheduler_waits_for_its_jobs(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload that comes while they run gets what they bring, and runs none of them twice."""
    monkeypatch.setattr(module, "GATHER_S", 0.0)

    async def scenario() -> None:
        going, ran = asyncio.Event(), []

        async def run(_: Progress) -> Done:
            await going.wait()
            ran.append(bench.clock.now())
            return Done(None, "done")

        bench.scheduler.add(*(Job(f"a/{number}", run) for number in range(3)))
        running = asyncio.ensure_future(bench.scheduler.run())
        await await_until(lambda: _states(bench.scheduler.statuses()) == {"running"})
        settling = asyncio.ensure_future(bench.scheduler.settle())
        asyncio.get_running_loop().call_soon(going.set)
        await settling
        assert len(ran) == 3
        running.cancel()
        await asyncio.wait([running])

    play(scenario)


def test_a_running_job_that_is_changed_runs_again_and_one_that_is_forgotten_ends(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never two of one key at a time; what a forgotten one would have brought is nobody's any more."""
    monkeypatch.setattr(module, "GATHER_S", 0.0)

    async def scenario() -> None:
        going, ran = asyncio.Event(), []

        def job(key: str, spec: str) -> Job:
            async def run(_: Progress) -> Done:
                ran.append(f"{key} {spec}")
                await going.wait()
                ran.append(f"{key} {spec} done")
                return Done(None, "done")

            return Job(key, run, spec)

        bench.scheduler.add(job("a/1", "x"), job("a/2", "x"))
        running = asyncio.ensure_future(bench.scheduler.run())
        await await_until(lambda: len(ran) == 2)
        bench.scheduler.replace({"a"}, [job("a/1", "y")])
        await asyncio.sleep(0)
        assert ran == ["a/1 x", "a/2 x"]
        asyncio.get_running_loop().call_soon(going.set)
        await bench.scheduler.settle()
        assert ran[2:] == ["a/1 x done", "a/1 y", "a/1 y done"]
        assert (await bench.store.job_records()).keys() == {"a/1"}
        running.cancel()
        await asyncio.wait([running])

    play(scenario)


def _states(statuses: Iterable[JobStatus]) -> set[str]:
    return {status.state for status in statuses}


def test_what_cannot_be_stored_is_stored_later(bench: Bench) -> None:
    bench.scheduler.add(bench.work("a/1").job())
    bench.store.broken = StoreError("no room")
    bench.pass_time()
    bench.store.broken = None
    assert asyncio.run(bench.store.job_records()) == {}
    bench.pass_time()
    assert asyncio.run(bench.store.job_records()).keys() == {"a/1"}


def test_a_defect_of_a_job_is_not_hidden(bench: Bench) -> None:
    async def stumble(_: Progress) -> Done:
        raise KeyError("defect")

    bench.scheduler.add(Job("a/1", stumble))
    with pytest.raises(ExceptionGroup):
        asyncio.run(bench.scheduler.run_due())
