"""The round over days and years: tickets, renewals, the HSTS ladder, and what fails on the way."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from memory_store import MemoryStore
from pki import leaf, root
from plan_samples import desired, site
from port443.app.event_log import round_events
from port443.app.problems import round_problems
from port443.app.reconcile import RoundResult
from port443.core.acme.challenges import HttpAnswer, TlsAlpnAnswer
from port443.core.contract.bounds import (
    MAX_NAMES,
)
from port443.core.contract.reasons import QuarantineCode
from port443.core.contract.receipt import ChallengeRefused
from port443.core.contract.snapshot import (
    Site,
)
from port443.core.control.events import AppEvent, CertificatePending, ChallengeUnanswered, SiteDegraded
from port443.core.errors import EdgeError, StoreError
from port443.core.names import Endpoint, parse_site_name
from port443.core.plan.desired import Desired, DesiredSite, OwnCertificate, SiteNeeds
from port443.core.renew.clock import ClockWrong
from port443.core.x509.bounds import MAX_CHAIN
from port443.core.x509.facts import CertFacts
from port443.edge.errors import StaleEpoch
from serve_bench import NAME, ONE_SITE, ServeBench

HERE = Endpoint("127.0.0.1", 8443)
STRANGER = leaf(root(), NAME)


class Rounds:
    """One reconciler over many rounds."""

    def __init__(self, bench: ServeBench) -> None:
        self.bench = bench
        self.rounds = bench.rounds()

    def next(self, **span: float) -> RoundResult:
        """Let time pass and go through a round."""
        self.bench.clock.advance(**span)
        return asyncio.run(self.rounds.reconcile(ONE_SITE))

    def next_at(self, job: str) -> datetime:
        moment = self.rounds.scheduler.next_at(job)
        assert moment
        return moment


@pytest.fixture
def rounds(bench: ServeBench) -> Rounds:
    return Rounds(bench)


def max_age(bench: ServeBench) -> int:
    """Return what the edge sends for the site."""
    part = bench.edge.plan.parts[bench.edge.plan.root.sites[NAME]]
    assert isinstance(part, Site)
    assert part.hsts
    return part.hsts.max_age_s


# HSTS


def test_the_ladder_is_climbed_while_every_proof_holds(bench: ServeBench, rounds: Rounds) -> None:
    """Five minutes, a day, thirty days, a year: each has passed before the next is sent."""
    rounds.next()
    seen = [max_age(bench)]
    for span in (
        {"seconds": 299},
        {"seconds": 1},
        {"hours": 23.9},
        {"hours": 0.1},
        {"days": 29},
        {"days": 1},
    ):
        rounds.next(**span)
        seen.append(max_age(bench))
    day = 86_400
    assert seen == [300, 300, day, day, 30 * day, 30 * day, 365 * day]


def test_a_step_is_not_taken_when_something_else_is_served_by_then(bench: ServeBench, rounds: Rounds) -> None:
    """What was right when it was applied may be wrong when the step is due: it is looked at just before."""
    rounds.next()
    bench.dial.impostors[HERE] = STRANGER
    assert rounds.next(seconds=300).hsts_steps[NAME].step == 0
    assert max_age(bench) == 300
    bench.dial.impostors.clear()
    # The step has to pass anew, from the failure on.
    assert rounds.next(seconds=299).hsts_steps[NAME].step == 0
    assert rounds.next(seconds=1).hsts_steps[NAME].step == 1


def test_a_failed_proof_in_between_holds_the_ladder(bench: ServeBench, rounds: Rounds) -> None:
    """It is enough that one handshake failed within the step."""
    rounds.next()
    bench.dial.closed.add(HERE)
    assert not rounds.next(seconds=100).is_whole
    bench.dial.closed.clear()
    assert rounds.next(seconds=200).hsts_steps[NAME].step == 0
    assert rounds.next(seconds=100).hsts_steps[NAME].step == 1


def test_the_next_process_stands_where_the_last_one_did(bench: ServeBench, rounds: Rounds) -> None:
    """Step and failures are in the store; no step is taken before this process has seen it right."""
    rounds.next()
    rounds.next(seconds=300)
    bench.clock.advance(days=2)
    restarted = Rounds(bench)
    assert restarted.next().hsts_steps[NAME].step == 1
    assert restarted.next(seconds=60).hsts_steps[NAME].step == 2


def test_a_step_that_a_wrong_clock_dated_ahead_is_dated_anew(bench: ServeBench) -> None:
    """In the store as well; neither that date nor a failure of then delays the next."""
    right = bench.clock.now()
    bench.clock.advance(days=40)
    bench.dial.closed.add(HERE)
    Rounds(bench).next()
    bench.dial.closed.clear()
    bench.clock.moment = right
    rounds = Rounds(bench)
    assert rounds.next().hsts_steps[NAME].since == right
    assert asyncio.run(bench.store.hsts_memory())[0][NAME].since == right
    assert rounds.next(seconds=300).hsts_steps[NAME].step == 1


# Tickets


def test_a_ticket_key_is_added_each_hour_and_three_are_kept(bench: ServeBench, rounds: Rounds) -> None:
    rounds.next()
    rings = [bench.edge.plan.root.ticket_keys]
    for minutes in (59, 1, 60, 60, 60):
        rounds.next(minutes=minutes)
        rings.append(bench.edge.plan.root.ticket_keys)
    assert [len(ring) for ring in rings] == [1, 1, 2, 3, 3, 3]
    assert rings[-1] == (rings[-1][0], rings[-2][0], rings[-3][0])


def test_a_refused_round_uses_no_ticket_key_up(bench: ServeBench, rounds: Rounds) -> None:
    """Keys that no edge ever had do not drive those out that clients hold tickets of."""
    rounds.next()
    rounds.next(hours=1)
    before = bench.edge.plan.root.ticket_keys
    bench.edge.fault = EdgeError("not now")
    for _ in range(3):
        with pytest.raises(EdgeError):
            rounds.next(hours=1)
    bench.edge.fault = None
    rounds.next()
    assert bench.edge.plan.root.ticket_keys[1:] == before


def test_keys_that_went_with_their_edge_are_forgotten(bench: ServeBench, rounds: Rounds) -> None:
    """What runs is what the edge says, and the next round is for nothing else."""
    rounds.next()
    bench.edge.ticket_keys.clear()
    round_ = rounds.next(hours=1)
    assert round_.running == bench.edge.running != round_.plan.hash
    after = rounds.next(minutes=1)
    assert after.running == after.plan.hash == round_.running


def test_tickets_of_an_adopted_edge_stay_good(bench: ServeBench, rounds: Rounds) -> None:
    rounds.next()
    bench.edge.found = bench.edge.plan.root
    successor = Rounds(bench)
    successor.rounds.reconciler.adopt(bench.edge.found)
    successor.next()
    assert bench.edge.plan.root.ticket_keys[1:] == bench.edge.found.ticket_keys


# Certificates


# Challenges

ANSWERS = (TlsAlpnAnswer(NAME, (b"challenge",), b"key"), HttpAnswer("token", f"token.{'p' * 43}"))


def need(bench: ServeBench, monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Have the site need more than its jobs bring."""
    now = {
        site: dataclasses.replace(each, **more)
        for site, each in bench.certificates.needs(ONE_SITE.sites).items()
    }
    monkeypatch.setattr(bench.certificates, "needs", lambda _: now)


def test_answers_are_published_without_a_proof_or_a_new_plan(
    bench: ServeBench, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever publishes waits for the edge alone; only when it has answered are they called published."""
    before = rounds.next()
    dialled = len(bench.dial.dialled)
    need(bench, monkeypatch, answers=ANSWERS)
    bench.clock.advance(hours=2)
    after = asyncio.run(rounds.rounds.reconciler.publish(before))
    assert len(bench.dial.dialled) == dialled
    assert (before.published(NAME), after.published(NAME)) == ((), ANSWERS)
    assert after.published("other.test") == ()
    assert bench.edge.plan.root.sites == before.plan.root.sites
    assert bench.edge.plan.root.ticket_keys == before.plan.root.ticket_keys
    assert set(bench.edge.plan.challenges.tls_alpn) == {NAME}
    need(bench, monkeypatch, answers=())
    withdrawn = asyncio.run(rounds.rounds.reconciler.publish(after))
    assert bench.edge.plan == before.plan
    assert withdrawn.published(NAME) == ()


def test_a_round_answers_what_is_pending(
    bench: ServeBench, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds.next()
    need(bench, monkeypatch, answers=ANSWERS)
    assert rounds.next().published(NAME) == ANSWERS


def test_what_the_edge_cannot_answer_is_not_called_published(
    bench: ServeBench, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, as an error."""
    before = rounds.next()
    need(bench, monkeypatch, answers=ANSWERS)
    bench.edge.refused_challenges = {
        NAME: ChallengeRefused(QuarantineCode.CERTIFICATE_UNREADABLE, "certificate.chain[0]", "no X.509")
    }
    after = rounds.next()
    assert after.published(NAME) == ANSWERS[1:]
    (told,) = (one for one in round_events(after, before) if isinstance(one, ChallengeUnanswered))
    assert (told.server_name, told.cause) == (NAME, "certificate.chain[0]: no X.509")
    assert not any(isinstance(one, ChallengeUnanswered) for one in round_events(after, after))


def test_an_edge_that_takes_no_answers_says_so_to_who_publishes(
    bench: ServeBench, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rounds.next()
    need(bench, monkeypatch, answers=ANSWERS)
    bench.edge.fault = StaleEpoch("epoch 1 has passed")
    with pytest.raises(StaleEpoch):
        asyncio.run(rounds.rounds.reconciler.publish(before))


def test_a_first_certificate_on_order_is_waited_for(
    bench: ServeBench, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site is pending, with what it waits for; it is told once, and no fault of the others."""
    asyncio.run(rounds.rounds.bring(ONE_SITE))
    need(bench, monkeypatch, credential=None, answers=ANSWERS, waits_for="the CA validates app.test")
    pending = rounds.next()
    assert pending.pending == {NAME: "the CA validates app.test"}
    assert pending.published(NAME) == ANSWERS
    (problem,) = round_problems(pending, bench.clock.now())
    assert (problem.code, problem.severity) == ("certificate_pending", "warning")
    assert problem.cause.endswith("until then: the CA validates app.test")
    waits = CertificatePending(NAME, "the CA validates app.test")
    assert waits in list(round_events(pending, None))
    assert waits not in list(round_events(pending, pending))
    need(bench, monkeypatch, fault=ClockWrong("1970"))
    (problem,) = round_problems(rounds.next(), bench.clock.now())
    assert (problem.code, problem.severity) == (ClockWrong.code, "error")


def test_a_certificate_is_renewed_at_two_thirds_and_served(bench: ServeBench, rounds: Rounds) -> None:
    """A round before it changes nothing; the one after it swaps the leaf, and a handshake shows it."""
    first = rounds.next().credentials[NAME]
    lifetime = CertFacts.from_der(first.chain[0])
    two_thirds = (lifetime.not_after - lifetime.not_before) * 2 / 3
    due = rounds.next_at(f"certificate/{NAME}")
    assert timedelta(0) <= lifetime.not_before + two_thirds - due <= timedelta(days=90) / 20
    bench.clock.moment = due - timedelta(seconds=1)
    assert rounds.next().credentials[NAME] == first
    renewed = rounds.next(seconds=1)
    assert renewed.credentials[NAME].chain[0] != first.chain[0]
    assert [proof.verdict for proof in renewed.proofs] == ["same"]
    assert [event.name for event in renewed.events] == ["certificate_issued"]


# What fails


def test_a_store_that_fails_holds_nothing_up(bench: ServeBench) -> None:
    """Settings are applied, tickets rotate and the ladder is held in memory; it is stored later."""
    store = MemoryStore()
    bench = ServeBench(store, bench.public_files)
    rounds = Rounds(bench)
    rounds.next()
    store.broken = StoreError("no room")
    broken = rounds.next(seconds=300)
    assert (broken.store_fault, broken.is_whole) == (store.broken, False)
    assert [proof.verdict for proof in broken.proofs] == ["same"]
    assert max_age(bench) == 86_400
    rounds.next(hours=1)
    assert len(bench.edge.plan.root.ticket_keys) == 2
    store.broken = None
    assert rounds.next(minutes=1).is_whole
    stored = asyncio.run(store.hsts_memory())[0].get(NAME)
    assert stored
    assert stored.step == 1


def test_a_failure_that_could_not_be_stored_holds_the_ladder(bench: ServeBench) -> None:
    store = MemoryStore()
    bench = ServeBench(store, bench.public_files)
    rounds = Rounds(bench)
    rounds.next()
    store.broken = StoreError("no room")
    bench.dial.closed.add(HERE)
    rounds.next(seconds=100)
    bench.dial.closed.clear()
    store.broken = None
    assert rounds.next(seconds=200).hsts_steps[NAME].step == 0
    assert asyncio.run(store.hsts_memory())[1].get(NAME) is not None


def test_a_first_round_without_a_store_is_refused(bench: ServeBench) -> None:
    """Nothing could be served: whoever has just typed the command is told."""
    broken = StoreError("no room")
    rounds = Rounds(ServeBench(MemoryStore(broken), bench.public_files))
    with pytest.raises(StoreError, match="no room"):
        rounds.next()


def test_what_the_edge_refuses_changes_nothing(bench: ServeBench, rounds: Rounds) -> None:
    """The last round stays the last one: it is what runs."""
    rounds.next()
    bench.edge.fault = StaleEpoch("another has taken it over")
    with pytest.raises(StaleEpoch):
        rounds.next()
    bench.edge.fault = None
    assert rounds.next().changes == ()


def test_only_what_was_wrong_is_looked_at_again(bench: ServeBench) -> None:
    """One address of many is asked again; what was right stands as it was seen."""
    two = Endpoint("127.0.0.1", 9443)
    wishes = dataclasses.replace(desired(site(NAME)), https=(HERE, two))
    reconciler = bench.rounds()
    bench.dial.impostors[two] = STRANGER
    first = asyncio.run(reconciler.reconcile(wishes))
    assert [proof.verdict for proof in first.proofs] == ["same", "different"]
    bench.dial.impostors.clear()
    bench.dial.dialled.clear()
    bench.clock.advance(seconds=60)
    second = asyncio.run(reconciler.reconciler.prove_again(first))
    assert bench.dial.dialled == [two]
    assert second.is_whole
    assert second.proofs[0] == first.proofs[0]
    assert second.proofs[1].at == bench.clock.now()


def test_a_clock_before_the_build_takes_no_step(bench: ServeBench) -> None:
    """The ladder stands still, nothing of it is stored, and no proof counts as failed by such a clock."""
    built = bench.clock.moment
    bench.restart(built)
    first = asyncio.run(bench.rounds().reconcile(ONE_SITE))
    bench.clock.advance(days=-9000)
    reconciler = bench.rounds()
    for _ in range(3):
        round_ = asyncio.run(reconciler.reconcile(ONE_SITE))
        bench.clock.advance(days=400)
    assert round_.hsts_steps == first.hsts_steps
    assert [proof.verdict for proof in round_.proofs] == ["same"]
    assert isinstance(round_.faults[NAME], ClockWrong)
    assert asyncio.run(bench.store.hsts_memory())[1].get(NAME) is None
    bench.clock.moment = built
    assert asyncio.run(reconciler.reconcile(ONE_SITE)).is_whole


def test_a_round_of_many_sites_asks_the_store_no_oftener_than_of_one(
    bench: ServeBench, tmp_path: Path
) -> None:
    """A transaction for each of a thousand sites would hold the start up for a minute."""
    brought = leaf(root(), "*.many.test")
    (tmp_path / "chain").write_bytes(brought.pem)
    (tmp_path / "key").write_bytes(brought.key_pem)
    files = OwnCertificate(tmp_path / "chain", tmp_path / "key")

    def calls(count: int) -> int:
        store = MemoryStore()
        fresh = ServeBench(store, bench.public_files)
        wishes = desired(*(site(f"s{number}.many.test", certificate=files) for number in range(count)))
        assert asyncio.run(fresh.rounds().reconcile(wishes)).faults == {}
        return store.calls

    assert calls(30) == calls(1)


# Parts that break the contract


def test_a_site_that_breaks_the_contract_stops_no_other(
    bench: ServeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put aside with its cause, which names it; the others go on, and it comes back when mended."""
    two = desired(site(NAME), site("long.test"))
    rounds = bench.rounds()
    whole = asyncio.run(rounds.reconcile(two))
    assert whole.is_whole
    needs = bench.certificates.needs

    def lengthened(sites: Sequence[DesiredSite]) -> dict[str, SiteNeeds]:
        found = needs(sites)
        long = found["long.test"].credential
        assert long
        credential = dataclasses.replace(long, chain=long.chain * (MAX_CHAIN + 1))
        return found | {"long.test": dataclasses.replace(found["long.test"], credential=credential)}

    with monkeypatch.context() as patch:
        patch.setattr(bench.certificates, "needs", lengthened)
        found = asyncio.run(rounds.reconcile(two))
    assert found.receipt.quarantined.keys() == {"long.test"}
    assert [proof.site for proof in found.proofs] == [NAME]
    fault = found.faults["long.test"]
    assert (fault.code, list(found.faults)) == ("P443-E355", ["long.test"])
    assert fault.message.startswith("site long.test: certificates[0].chain: must have 1 to 100 entries, not")
    assert asyncio.run(rounds.reconcile(two)).is_whole


def test_a_site_whose_names_break_the_contract_is_left_out(bench: ServeBench) -> None:
    """Nothing of it can be applied; the others are, also when it was the default site."""
    many = tuple(parse_site_name(f"n{number}.test") for number in range(MAX_NAMES + 1))
    broken = dataclasses.replace(site("n0.test"), names=many)
    wishes = dataclasses.replace(desired(site(NAME), broken), default_site="n0.test")
    found = asyncio.run(bench.rounds().reconcile(wishes))
    assert list(found.receipt.sites) == [NAME]
    assert found.faults["n0.test"].message.startswith("site n0.test: names: must have 1 to 4096 entries")
    (problem,) = (one for one in round_problems(found, bench.clock.now()) if one.site == "n0.test")
    assert (problem.code, problem.severity) == ("P443-E355", "error")


# What is said of it


def owned(directory: Path, chain: bytes, key: bytes) -> Desired:
    """Write a pair of files, and name them for the site."""
    paths = directory / "own.pem", directory / "own.key"
    for path, content in zip(paths, (chain, key), strict=True):
        path.write_bytes(content)
    return desired(site(NAME, certificate=OwnCertificate(*paths)))


@pytest.mark.parametrize("restarted", [False, True])
def test_an_own_certificate_that_has_ended_is_not_called_good(
    bench: ServeBench,
    tmp_path: Path,
    restarted: bool,  # noqa: FBT001
) -> None:
    """It is served on as nothing else is there; the text and the hints are about its date."""
    own = leaf(None, NAME)
    wishes = owned(tmp_path, own.pem, own.key_pem)
    rounds = bench.rounds()
    asyncio.run(rounds.reconcile(wishes))
    bench.clock.advance(days=900)
    if restarted:
        bench.restart()
        rounds = bench.rounds()
    found = asyncio.run(rounds.reconcile(wishes))
    problems = {problem.code: problem for problem in round_problems(found, bench.clock.now())}
    assert f"; the one that ended {own.facts.not_after:%Y-%m-%d}" in problems["P443-E224"].cause
    assert "last good" not in problems["P443-E224"].cause
    assert problems["certificate_ended"].severity == "error"
    assert "the right chain is served" in problems["served_is_not_issued"].cause
    assert problems["served_is_not_issued"].hint.startswith("put a current certificate in place")


def test_another_leaf_is_still_told_with_who_listens(bench: ServeBench, rounds: Rounds) -> None:
    rounds.next()
    bench.dial.impostors[HERE] = STRANGER
    (problem,) = round_problems(rounds.next(seconds=1), bench.clock.now())
    assert "ss -ltnp" in problem.hint


def test_a_quarantine_names_what_is_wrong_with_the_files(bench: ServeBench, tmp_path: Path) -> None:
    """Once, with the code and the cause that an operator can act on."""
    wishes = owned(tmp_path, b"no certificate", leaf(None, NAME).key_pem)
    rounds, before = bench.rounds(), None
    events: list[AppEvent] = []
    for _ in range(2):
        found = asyncio.run(rounds.reconcile(wishes))
        events += round_events(found, before)
        before = found
    (told,) = [event for event in events if isinstance(event, SiteDegraded)]
    assert told.code == "P443-E225"
    assert f"{tmp_path / 'own.pem'} holds no certificate" in told.cause
