"""The control plane: what it keeps, what it tells, and how it ends."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from memory_store import MemoryStore
from pki import NOW, Made, leaf, root
from plan_samples import desired, site
from port443.adapters.admin import RequestUnknown, answerer
from port443.app import scheduler, serve
from port443.app.local_ca import LocalCA
from port443.app.log_throttle import BURST
from port443.app.scheduler import AT_ONCE
from port443.app.serve import App, EndsEdge, ServeEnded, StopAsked
from port443.core.contract.events import (
    EdgeStarted,
    EventsSuppressed,
    HandshakeFailed,
    SnapshotApplied,
    UpstreamFailed,
    UpstreamWentDown,
)
from port443.core.contract.identity import EdgeIdentity
from port443.core.contract.reasons import (
    QuarantineCode,
)
from port443.core.contract.receipt import (
    SiteQuarantined,
)
from port443.core.control.answers import Stopped
from port443.core.errors import EdgeError, ServeError, SettingsError, StoreError
from port443.core.names import Endpoint
from port443.core.plan.desired import Desired, HstsFixed, OwnCertificate, Upstream
from port443.edge.errors import AddressInUse, StaleEpoch
from serve_bench import FACTS, NAME, ONE_SITE, ServeBench
from slow_issuer import SlowIssuer, use_slow_issuer
from waiting import HANG_S, await_until

HERE = Endpoint("127.0.0.1", 8443)
STRANGER = leaf(root(), NAME)
SCHEMA = json.loads((Path(__file__).parents[3] / "contract" / "status.schema.json").read_text())
TWO_SITES = desired(site(NAME), site("two.test"))


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def status(plane: App) -> dict[str, Any]:
    """Ask for the status, as it goes over the socket, and hold it to its schema."""
    document: dict[str, Any] = json.loads(json.dumps(await answerer(plane)({"verb": "status"})))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def codes(document: dict[str, Any]) -> list[str]:
    return [problem["code"] for problem in document["problems"]]


@asynccontextmanager
async def started(plane: App, wishes: Desired = ONE_SITE) -> AsyncIterator[None]:
    """Have the duties go on while the test acts."""
    async with plane.running(wishes), asyncio.TaskGroup() as group:
        group.create_task(plane.run())
        yield
        plane.request_stop()


# The status


def test_a_status_has_everything_and_no_problem(bench: ServeBench) -> None:
    """It is what the schema says, and nothing is wrong."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            document = await status(plane)
        assert document["problems"] == []
        assert document["edge"]["running"] == document["last_round"]["running"] == bench.edge.running
        (shown,) = document["sites"]
        assert (shown["state"], shown["hsts"]["max_age_s"], shown["hsts"]["step"]) == ("running", 300, 0)
        assert [proof["verdict"] for proof in shown["proofs"]] == ["same"]
        assert shown["certificate"]["source"] == "local CA"

    play(scenario)


def test_a_log_that_cannot_be_written_is_a_problem(bench: ServeBench) -> None:
    """Of everybody, by the error's own code and hint; clients are not harmed by it."""

    async def scenario() -> None:
        fault = ServeError("the log cannot be written to serve.log: No space left on device", "make room")
        plane = App(bench.services, lambda: ONE_SITE, FACTS, log_fault=lambda: fault)
        async with plane.running(ONE_SITE):
            document = await status(plane)
        assert document["verdict"] == "warning"
        assert document["problems"] == [
            {"code": fault.code, "severity": "warning", "site": None, "about": "log",
             "cause": fault.message, "hint": "make room"},
        ]  # fmt: skip

    play(scenario)


def test_each_kind_of_hsts_is_told(bench: ServeBench) -> None:
    async def scenario() -> None:
        wishes = desired(
            site("a.test", hsts=HstsFixed(63_072_000, include_subdomains=True, preload=True)),
            site("b.test", hsts="none"),
            site("c.test"),
            site("localhost"),
        )
        plane = bench.app()
        async with plane.running(wishes):
            fixed, off, climbing, never = (shown["hsts"] for shown in (await status(plane))["sites"])
        assert (fixed["origin"], fixed["max_age_s"], fixed["preload"]) == ("settings", 63_072_000, True)
        assert (off["origin"], off["max_age_s"]) == ("settings", None)
        since, due = (datetime.fromisoformat(climbing[moment]) for moment in ("since", "next_at"))
        assert due - since == timedelta(seconds=climbing["max_age_s"]) == timedelta(minutes=5)
        assert (never["origin"], never["max_age_s"], never["next_at"]) == ("ladder", None, None)

    play(scenario)


def test_whatever_is_wrong_stands_among_the_problems(bench: ServeBench, tmp_path: Path) -> None:
    """A site without a certificate, one in quarantine, a silent listener, another version, a disk."""

    async def scenario() -> None:
        absent = OwnCertificate(tmp_path / "no.pem", tmp_path / "no.key")
        wishes = desired(site(NAME), site("b.test", certificate=absent))
        state = SiteQuarantined(QuarantineCode.KEY_MISMATCH, "certificates[0].key", "it does not fit", None)
        bench.edge.quarantined = {NAME: state}
        bench.edge.waiting = frozenset({"https:127.0.0.1:8443"})
        bench.edge.version, bench.edge.is_in_memory = "0.0.9", False
        plane = bench.app()
        async with plane.running(wishes):
            document = await status(plane)
        assert codes(document) == [
            "edge_version_differs", "runtime_not_in_memory", "waiting_for_sockets", "key_mismatch",
            "P443-E220",
        ]  # fmt: skip
        assert [shown["state"] for shown in document["sites"]] == ["refused", "refused"]

    play(scenario)


@pytest.mark.parametrize(
    ("left", "of", "verdict"),
    [
        (13, 90, "warning"),
        (1, 90, "error"),
        (15, 90, "good"),
        (2, 6, "good"),
        (1, 6, "warning"),
        (0.01, 6, "error"),
    ],
)
def test_the_end_of_a_certificate_is_judged_by_its_life(
    bench: ServeBench, tmp_path: Path, left: float, of: float, verdict: str
) -> None:
    """In days: what is short is judged by its share; nobody is warned of a far end, or late of a near one."""

    async def scenario() -> None:
        now = bench.clock.now()
        end = now + timedelta(days=left)
        own = write_own(tmp_path, leaf(root(), NAME, not_before=end - timedelta(days=of), not_after=end))
        plane = bench.app()
        async with plane.running(desired(site(NAME, certificate=own))):
            (shown,) = (await status(plane))["sites"]
            judged = [one for one in (await status(plane))["problems"] if one["code"] != "certificate_warned"]
            bench.clock.advance(days=left, seconds=1)
            ended = codes(await status(plane))
        assert {problem["severity"] for problem in judged} == ({verdict} - {"good"})
        assert "certificate_ended" in ended
        assert verdict == "good" or shown["verdict"] == verdict

    play(scenario)


def write_own(directory: Path, made: Made) -> OwnCertificate:
    own = OwnCertificate(directory / "own.pem", directory / "own.key")
    Path(own.chain).write_bytes(made.pem)
    Path(own.key).write_bytes(made.key_pem)
    Path(own.key).chmod(0o600)
    return own


def test_servers_that_take_no_connection_are_seen(bench: ServeBench) -> None:
    """Some of a site's are a warning; all of them are no service, though the edge answers."""

    async def scenario() -> None:
        up, down = Upstream("127.0.0.1", 9000), Upstream("127.0.0.1", 9001)
        wishes = desired(
            site("all.test", upstreams=(down,)),
            site("some.test", upstreams=(up, down)),
            site("none.test", upstreams=(up,)),
        )
        bench.dial.closed = {Endpoint("127.0.0.1", 9001)}
        plane = bench.app()
        async with plane.running(wishes):
            document = await status(plane)
        assert [shown["verdict"] for shown in document["sites"]] == ["error", "warning", "good"]
        assert codes(document) == ["all_servers_down", "servers_down"]
        assert [server["fault"] is None for server in document["sites"][1]["servers"]] == [True, False]

    play(scenario)


def test_a_proof_that_nobody_has_repeated_is_told(bench: ServeBench) -> None:
    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            bench.clock.advance(hours=4)
            document = await status(plane)
        assert (codes(document), document["verdict"]) == (["proof_stale"], "warning")

    play(scenario)


def test_restarts_of_the_edge_are_counted_and_are_news_for_an_hour(bench: ServeBench) -> None:
    """What was restarted long ago is no problem any more, but it is still counted."""
    asyncio.run(bench.rounds().reconcile(ONE_SITE))
    bench.edge.found = bench.edge.plan.root

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            adopted = await status(plane)
            bench.edge.tell(EdgeStarted())
            bench.edge.tell(EdgeStarted(), boot="f" * 16)
            bench.edge.tell(EdgeStarted(), boot="e" * 16)
            await bench.edge.leave()
            await plane.listen()
            first = await status(plane)
            bench.clock.advance(hours=2)
            second = await status(plane)
        assert (codes(first), first["edge"]["restarts"]) == (["edge_restarted"], 2)
        assert (adopted["edge"]["adopted"], first["edge"]["adopted"]) == (True, False)
        assert (codes(second), second["edge"]["restarts"]) == ([], 2)
        assert second["edge"]["restarted_at"] == "2026-03-01T12:00:00+00:00"

    play(scenario)


def test_an_event_is_logged_with_its_own_time(bench: ServeBench, caplog: pytest.LogCaptureFixture) -> None:
    """It may have happened long before anybody listened."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            failed = HandshakeFailed("https:x", "127.0.0.1:1", None, "not_tls", "no TLS", None)  # type: ignore[arg-type]
            bench.edge.tell(failed, at=NOW - timedelta(days=1))
            await bench.edge.leave()
            await plane.listen()

    play(scenario)
    (told,) = [one for one in caplog.records if one.message == "handshake_failed"]
    assert told.created == (NOW - timedelta(days=1)).timestamp()


def test_another_snapshot_at_the_edge_is_seen(bench: ServeBench) -> None:
    """Whoever else speaks on the edge's socket cannot do it unseen."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            bench.edge.running = "ab" * 32
            (problem,) = (await status(plane))["problems"]
            assert problem["code"] == "another_snapshot_runs"
            assert "abababab" in problem["cause"]

    play(scenario)


def test_a_silent_edge_does_not_silence_the_status(
    bench: ServeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the edge is down, the rest is told all the same, and in time."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            bench.edge.fault = EdgeError("it is gone")
            document = await status(plane)
            assert (document["edge"], document["stats"], codes(document)) == (None, None, ["P443-E300"])
            assert {listener["state"] for listener in document["listeners"]} == {"unknown"}
            (site,) = document["sites"]
            assert (site["verdict"], {proof["verdict"] for proof in site["proofs"]}) == ("error", {"unknown"})
            bench.edge.fault = None
            monkeypatch.setattr(serve, "EDGE_TIMEOUT_S", 0.01)
            monkeypatch.setattr(bench.edge, "identity", lambda _: asyncio.Event().wait())
            assert codes(await status(plane)) == ["P443-E309"]

    play(scenario)


# The start


def test_the_first_round_can_be_asked_about_and_waited_for(bench: ServeBench) -> None:
    """While it applies: the status is whole but for what is not known yet, and a reload comes after it."""

    async def scenario() -> None:
        bench.edge.hold = asyncio.Event()
        plane = bench.app(lambda: TWO_SITES)
        serving = asyncio.ensure_future(enter(plane))
        await await_until(lambda: plane.starting == "it applies the snapshot")
        document = await status(plane)
        assert (document["starting"], document["verdict"]) == ("it applies the snapshot", "warning")
        assert (document["sites"], document["last_round"]) == ([], None)
        assert document["edge"]["running"] is None
        assert {job["name"] for job in document["jobs"]} >= {f"certificate/{NAME}", "round"}
        assert await answerer(plane)({"verb": "alive"}) == {"ends_within_s": 40}
        reloading = asyncio.ensure_future(plane.reload())
        bench.edge.hold.set()
        assert (await reloading).whole
        assert [len(plan.root.sites) for plan in bench.edge.plans] == [1, 2]
        plane.request_stop()
        await serving

    async def enter(plane: App) -> None:
        async with plane.running(ONE_SITE):
            await plane.run()

    play(scenario)


def test_a_status_is_of_one_moment(bench: ServeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the first round goes through while the edge is asked, all that is told is from before."""

    async def scenario() -> None:
        bench.edge.hold = asyncio.Event()
        plane, asked, answer = bench.app(), asyncio.Event(), asyncio.Event()
        identity = bench.edge.identity

        async def slowly(within_s: float | None = None) -> EdgeIdentity:
            asked.set()
            await answer.wait()
            return await identity(within_s)

        serving = asyncio.ensure_future(enter(plane))
        await await_until(lambda: plane.starting == "it applies the snapshot")
        monkeypatch.setattr(bench.edge, "identity", slowly)
        asking = asyncio.ensure_future(status(plane))
        await asked.wait()
        bench.edge.hold.set()
        await await_until(lambda: plane.starting is None)
        answer.set()
        document = await asking
        assert (document["starting"], document["sites"]) == ("it applies the snapshot", [])
        assert (await status(plane))["starting"] is None
        plane.request_stop()
        await serving

    async def enter(plane: App) -> None:
        async with plane.running(ONE_SITE):
            await plane.run()

    play(scenario)


@pytest.mark.parametrize(("ends_edge", "ended"), [("on request", "drained"), ("never", "left")])
def test_a_stop_ends_a_start(bench: ServeBench, ends_edge: EndsEdge, ended: str) -> None:
    """As any stop does; whoever waits for a reload is told that it comes to nothing."""

    async def scenario() -> None:
        bench.edge.hold = asyncio.Event()
        plane = bench.app(ends_edge=ends_edge)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(enter(plane))
            await await_until(lambda: plane.starting == "it applies the snapshot")
            reloading = group.create_task(refused(plane))
            assert (await plane.stop()).stopped
            await serving
            assert await reloading == "P443-E424"

    async def enter(plane: App) -> None:
        with pytest.raises(StopAsked):
            async with plane.running(ONE_SITE):
                pytest.fail("it must not come up")

    async def refused(plane: App) -> str:
        with pytest.raises(ServeEnded) as caught:
            await plane.reload()
        return caught.value.code

    play(scenario)
    assert bench.edge.ended == ended


def test_a_site_may_be_older_than_its_certificate(bench: ServeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the start nor a reload waits for an issuer that is not local: the others are served meanwhile.

    When it has answered, a round comes by itself, and the site is served and proved. The issuer
    is told which sites are its own.
    """
    issuer = SlowIssuer(LocalCA(bench.store))
    use_slow_issuer(monkeypatch, issuer, lambda site: site.id == "two.test")

    async def scenario() -> None:
        wishes = [TWO_SITES, ONE_SITE]
        plane = bench.app(lambda: wishes[0])
        async with started(plane, TWO_SITES):
            assert (await plane.reload()).whole is False
            document = await status(plane)
            assert [site["state"] for site in document["sites"]] == ["running", "refused"]
            assert codes(document) == ["certificate_pending"]
            (job,) = (one for one in document["jobs"] if one["name"] == "certificate/two.test")
            assert (job["state"], job["progress"]) == ("running", "waiting for another CA")
            issuer.answers.set()
            await await_until(lambda: plane.round.is_whole)
            assert codes(await status(plane)) == []
            assert issuer.kept == {"two.test"}
            wishes.remove(TWO_SITES)
            await plane.reload()
            assert issuer.kept == set()

    play(scenario)


def test_issuers_that_never_answer_hold_up_neither_a_reload_nor_a_proof(
    bench: ServeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when as many are asked as may be at once, and one more waits behind them."""
    monkeypatch.setattr(scheduler, "GATHER_S", 0.0)
    monkeypatch.setattr(scheduler, "LONGEST_WAIT_S", 0.01)
    slow = [site(f"slow{number}.test") for number in range(AT_ONCE + 1)]
    use_slow_issuer(monkeypatch, SlowIssuer(LocalCA(bench.store)), slow.__contains__)
    wishes = desired(site(NAME), *slow)

    async def scenario() -> None:
        plane = bench.app(lambda: wishes)
        async with started(plane, wishes):
            await await_until(lambda: waiting(plane) == AT_ONCE)
            before = plane.round
            bench.dial.impostors[HERE] = STRANGER
            plane.request_reload()
            await await_until(lambda: plane.round is not before)
            reloaded = plane.round
            assert not reloaded.is_proved
            bench.dial.impostors.clear()
            bench.clock.advance(seconds=60)
            await await_until(lambda: plane.round.is_proved)
            assert plane.round.at == reloaded.at  # it was the proof that was made anew, not a round
            assert waiting(plane) == AT_ONCE

    def waiting(plane: App) -> int:
        jobs = plane._scheduler.statuses()
        return sum(job.progress == "waiting for another CA" for job in jobs)

    play(scenario)


# Served equals issued


def test_a_mismatch_is_an_event_and_stands_in_the_status_until_it_is_gone(
    bench: ServeBench, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told once, looked at each minute, and told when it is over."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            bench.dial.impostors[HERE] = STRANGER
            answer = await answerer(plane)({"verb": "reload", "wait": True})
            assert answer["whole"] is False
            assert codes(await status(plane)) == ["served_is_not_issued"]
            await passes(plane, seconds=59)
            await passes(plane, seconds=1)
            assert codes(await status(plane)) == ["served_is_not_issued"]
            bench.dial.impostors.clear()
            await passes(plane, seconds=60)
            assert codes(await status(plane)) == []

    async def passes(plane: App, **span: float) -> None:
        bench.clock.advance(**span)
        await plane.run_due()

    play(scenario)
    told = [one.message for one in caplog.records if one.message.startswith("served")]
    assert told == ["served_is_not_issued", "served_as_issued_again"]
    (error,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert (error.site, error.endpoint) == (NAME, "127.0.0.1:8443")  # type: ignore[attr-defined]  # by `extra`


def test_a_restarted_edge_is_given_a_round(bench: ServeBench) -> None:
    """The first start is no restart; after another one everything is applied and proved again."""

    async def scenario() -> None:
        plane = bench.app()
        async with started(plane):
            bench.edge.tell(EdgeStarted())
            bench.edge.tell(SnapshotApplied("ab" * 32))
            bench.edge.tell(EdgeStarted(), boot="1" * 16)
            await await_until(lambda: len(bench.edge.plans) == 2)
        assert bench.edge.plans[0].hash == bench.edge.plans[1].hash

    play(scenario)


# Rounds


def test_a_round_that_waited_for_a_reload_is_for_the_new_settings(bench: ServeBench) -> None:
    """What becomes due while a reload is under way does not bring the old settings back."""

    async def scenario() -> None:
        plane = bench.app(lambda: TWO_SITES)
        async with plane.running(ONE_SITE):
            bench.edge.hold = asyncio.Event()
            bench.clock.advance(hours=1)
            async with asyncio.TaskGroup() as group:
                group.create_task(plane.apply_settings())
                group.create_task(plane.run_due())
                bench.edge.hold.set()
            assert len(bench.edge.plans) == 2
            assert sorted(bench.edge.plan.root.sites) == [NAME, "two.test"]

    play(scenario)


def test_reloads_are_taken_in_turn(bench: ServeBench) -> None:
    """Two at once end with what was read last."""
    read = iter([TWO_SITES, ONE_SITE])

    async def scenario() -> None:
        plane = bench.app(lambda: next(read))
        async with plane.running(ONE_SITE):
            first, second = await asyncio.gather(plane.apply_settings(), plane.apply_settings())
            assert [len(one.desired.sites) for one in (first, second)] == [2, 1]
            assert list(bench.edge.plan.root.sites) == [NAME]

    play(scenario)


def test_nothing_is_done_when_nothing_is_due(bench: ServeBench) -> None:
    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            bench.clock.advance(seconds=299)
            await plane.run_due()
            assert len(bench.edge.plans) == 1

    play(scenario)


def test_a_clock_that_was_ahead_is_no_reason_to_wait_for_its_time(bench: ServeBench) -> None:
    """What was made by it is made anew as soon as it is set right, and the status is whole again."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            ahead = plane.round.credentials[NAME]
            bench.clock.advance(days=-300)
            await plane.run_due()
            assert plane.round.credentials[NAME] != ahead
            assert plane.round.is_whole
            assert codes(await status(plane)) == []

    play(scenario)


def test_a_failed_round_is_told_and_tried_again_after_a_minute(bench: ServeBench) -> None:
    """It stands in the status meanwhile, and what ran goes on."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            before = plane.round
            bench.clock.advance(hours=1)
            refused, bench.edge.fault = StaleEpoch("another has it"), None
            bench.edge.apply, apply = raising(refused), bench.edge.apply  # type: ignore[method-assign]
            await plane.run_due()
            assert plane.round is before
            assert codes(await status(plane)) == ["P443-E358"]
            bench.edge.apply = apply  # type: ignore[method-assign]
            bench.clock.advance(seconds=59)
            await plane.run_due()
            assert plane.round is before
            bench.clock.advance(seconds=1)
            await plane.run_due()
            assert codes(await status(plane)) == []

    play(scenario)


def raising(error: Exception) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def refuse(*_: object) -> None:
        raise error

    return refuse


def test_a_store_that_fails_is_told_and_tried_each_minute(bench: ServeBench) -> None:
    """Not each second, and not only at the next ticket key."""
    store = MemoryStore()
    bench = ServeBench(store, bench.public_files)

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE):
            store.broken = StoreError("no room")
            await plane.reload()
            assert "P443-E600" in codes(await status(plane))
            rounds = len(bench.edge.plans)
            await plane.run_due()
            assert len(bench.edge.plans) == rounds
            store.broken = None
            bench.clock.advance(seconds=60)
            await plane.run_due()
            assert codes(await status(plane)) == []

    play(scenario)


# Reloads


def test_wrong_settings_change_nothing(bench: ServeBench) -> None:
    """The error goes to whoever asked, and stands in the status until a reload goes well."""
    read: list[Desired | SettingsError] = [SettingsError("2 mistakes"), TWO_SITES]

    def load() -> Desired:
        found = read.pop(0)
        if isinstance(found, SettingsError):
            raise found
        return found

    async def scenario() -> None:
        plane = bench.app(load)
        async with plane.running(ONE_SITE):
            with pytest.raises(SettingsError, match="2 mistakes"):
                await answerer(plane)({"verb": "reload", "wait": True})
            document = await status(plane)
            assert (codes(document), document["last_reload"]["ok"]) == (["P443-E100"], False)
            assert len(bench.edge.plans) == 1
            assert (await answerer(plane)({"verb": "reload", "wait": True}))["whole"]
            assert codes(await status(plane)) == []

    play(scenario)


def test_a_reload_can_be_asked_for_without_waiting(bench: ServeBench) -> None:
    """As SIGHUP does; wrong settings then do not end anything."""
    read: list[Desired | SettingsError] = [SettingsError("2 mistakes"), TWO_SITES]

    def load() -> Desired:
        found = read.pop(0)
        if isinstance(found, SettingsError):
            raise found
        return found

    async def scenario() -> None:
        plane = bench.app(load)
        async with started(plane):
            assert await answerer(plane)({"verb": "reload"}) == {"asked": True}
            await await_until(lambda: len(read) == 1)
            plane.request_reload()
            await await_until(lambda: len(bench.edge.plans) == 2)

    play(scenario)


def test_an_unknown_request_is_refused(bench: ServeBench) -> None:
    async def scenario() -> None:
        plane = bench.app()
        for verb in ("dance", None, 1):
            with pytest.raises(RequestUnknown):
                await answerer(plane)({"verb": verb})

    play(scenario)


# The log


def test_what_the_edge_tells_is_logged_as_far_as_somebody_acts_on_it(
    bench: ServeBench, caplog: pytest.LogCaptureFixture
) -> None:
    """Failures and lost servers, with their fields; not each snapshot."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        async with started(bench.app()):
            bench.edge.tell(EdgeStarted())
            bench.edge.tell(SnapshotApplied("ab" * 32))
            bench.edge.tell(HandshakeFailed("https:x", "127.0.0.1:1", None, "not_tls", "no TLS", None))  # type: ignore[arg-type]
            bench.edge.tell(UpstreamWentDown("pool", "127.0.0.1:9000", "connect_refused"))  # type: ignore[arg-type]
            bench.edge.tell(UpstreamFailed("a.test", "pool", "backend-x:80", "no_address", 502))  # type: ignore[arg-type]
            await await_until(lambda: any(one.message == "upstream_failed" for one in caplog.records))

    play(scenario)
    told = {one.message: one for one in caplog.records}
    assert told["upstream_failed"].cause == "no address for backend-x"  # type: ignore[attr-defined]
    assert told["handshake_failed"].reason == "not_tls"  # type: ignore[attr-defined]  # by `extra`
    assert told["upstream_went_down"].levelno == logging.WARNING
    assert "snapshot_applied" not in told


def test_what_strangers_cause_fills_no_log(bench: ServeBench, caplog: pytest.LogCaptureFixture) -> None:
    """A few lines of each kind, and how many were left out, also by the edge; a lost server is told."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        async with started(bench.app()):
            for port in range(1500):
                peer = f"192.0.2.1:{port}"
                bench.edge.tell(HandshakeFailed("https:x", peer, None, "plain_http", "HTTP", None))  # type: ignore[arg-type]
            bench.edge.tell(EventsSuppressed("handshake_failed", "plain_http", 8500))
            bench.edge.tell(UpstreamWentDown("pool", "127.0.0.1:9000", "connect_refused"))  # type: ignore[arg-type]
            await await_until(lambda: any(one.message == "upstream_went_down" for one in caplog.records))

    play(scenario)
    told = [one for one in caplog.records if one.message in {"handshake_failed", "lines_suppressed"}]
    assert [one.message for one in told] == ["handshake_failed"] * BURST + ["lines_suppressed"]
    assert (told[-1].of, told[-1].reason) == ("handshake_failed", "plain_http")  # type: ignore[attr-defined]
    assert told[-1].count == 10_000 - BURST  # type: ignore[attr-defined]


def test_news_is_told_once(bench: ServeBench, caplog: pytest.LogCaptureFixture) -> None:
    """Looking again at what was wrong does not repeat what was right."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        plane = bench.app(lambda: TWO_SITES)
        async with plane.running(ONE_SITE):
            bench.dial.impostors[HERE] = STRANGER
            await plane.reload()
            for _ in range(3):
                bench.clock.advance(seconds=60)
                await plane.run_due()

    play(scenario)
    told = [one.message for one in caplog.records]
    assert (told.count("certificate_issued"), told.count("changed")) == (2, 1)


def test_whoever_follows_gets_what_is_logged(bench: ServeBench, caplog: pytest.LogCaptureFixture) -> None:
    """The edge's events too, until serving ends; who is slow loses the oldest, and holds nobody up."""
    caplog.set_level(logging.INFO, "port443")

    async def scenario() -> None:
        plane = bench.app(lambda: TWO_SITES)
        async with asyncio.TaskGroup() as group:
            async with plane.running(ONE_SITE):
                following = group.create_task(followed(plane))
                await asyncio.sleep(0)
                await plane.reload()
                await asyncio.sleep(0)
                bench.edge.tell(SnapshotApplied("ab" * 32))
                for _ in range(serve.HELD_EVENTS):
                    bench.edge.tell(EdgeStarted())
                await bench.edge.leave()
                await plane.listen()
            names = await following
            assert names[:3] == ["certificate_issued", "changed", "reloaded"]
            assert "snapshot_applied" not in names, "the oldest are lost to whoever did not take them"
            assert len(names) == 3 + serve.HELD_EVENTS

    async def followed(plane: App) -> list[str]:
        return [event.name async for event in plane.events()]

    play(scenario)
    assert {"certificate_issued", "changed", "reloaded"} <= {one.message for one in caplog.records}


# The end


@pytest.mark.parametrize(
    ("ends_edge", "polite", "broken"),
    [("on request", "drained", "left"), ("always", "drained", "drained"), ("never", "left", "left")],
)
def test_who_ends_the_edge(bench: ServeBench, ends_edge: EndsEdge, polite: str, broken: str) -> None:
    """Asked to end, serve takes its edge along; a defect leaves it serving; the demo leaves nothing."""

    async def asked() -> None:
        async with bench.app(ends_edge=ends_edge).running(ONE_SITE):
            assert bench.edge.ended is None

    play(asked)
    assert bench.edge.ended == polite
    bench.edge.ended = None

    async def defect() -> None:
        async with bench.app(ends_edge=ends_edge).running(ONE_SITE):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        play(defect)
    assert bench.edge.ended == broken


@pytest.mark.parametrize(("adopted", "ended"), [(False, "drained"), (True, "left")])
def test_a_start_that_fails_leaves_only_what_served_before(
    bench: ServeBench,
    adopted: bool,  # noqa: FBT001 - pytest's parameter
    ended: str,
) -> None:
    """An edge that was just started for nothing is ended; one that served before goes on."""
    if adopted:
        asyncio.run(bench.rounds().reconcile(ONE_SITE))
        bench.edge.found = bench.edge.plan.root

    async def scenario() -> None:
        bench.edge.apply = raising(AddressInUse("127.0.0.1:8443 is in use"))  # type: ignore[method-assign]
        async with bench.app().running(ONE_SITE):
            pytest.fail("it must not come up")

    with pytest.raises(AddressInUse):
        play(scenario)
    assert bench.edge.ended == ended


def test_whoever_asks_to_stop_is_answered_when_it_is_done(bench: ServeBench) -> None:
    async def scenario() -> None:
        plane = bench.app()
        async with asyncio.TaskGroup() as group:
            async with plane.running(ONE_SITE):
                answering = group.create_task(plane.stop())
                await plane.run()
                assert not answering.done()
            said = Stopped(stopped=True, serve=4711, edge=4711, edge_has_unit=False, edge_goes_on=False)
            assert await answering == said
        assert bench.edge.ended == "drained"

    play(scenario)


def test_a_stop_that_comes_with_the_end_of_a_round_is_heard(bench: ServeBench) -> None:
    """Whatever else happens in the same moment."""

    async def scenario() -> None:
        plane = bench.app()
        async with plane.running(ONE_SITE), asyncio.TaskGroup() as group:
            running = group.create_task(plane.run())
            await plane.reload()
            plane.request_stop()
            await asyncio.wait_for(asyncio.shield(running), HANG_S)

    for _ in range(5):
        play(scenario)


def test_a_wish_for_other_workers_is_no_other_snapshot(bench: ServeBench) -> None:
    """How many workers an edge has is settled when it starts."""

    async def scenario() -> None:
        plane = bench.app(lambda: replace(ONE_SITE, workers=7))
        async with plane.running(ONE_SITE):
            assert (await plane.apply_settings()).changes == ()

    play(scenario)
