"""Certificates from CAs: when they are ordered, from which CA, how often, and what outlives the process."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from acme_bench import AcmeBench
from acme_ca import Answer, Cut, Instead, StandInCA, certify, problem
from memory_store import MemoryStore
from pki import NOW
from port443.app.acme_attempt import Wanted
from port443.app.acme_issuer import NoIssuerGave, OrderWaits, PreflightFailed, lineage_of
from port443.core.acme.errors import AcmeError, CertificateUnfit
from port443.core.control.certificates import PreflightCheck
from port443.core.errors import CertificateError, StoreError
from port443.core.renew.clock import ClockWrong
from port443.core.renew.known_cas import KNOWN_CAS, RateLimit
from port443.core.renew.ledger import RateLimitSpent
from port443.core.renew.when import ORDER_PAUSES

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def bench() -> AcmeBench:
    return AcmeBench()


def test_the_first_certificate_is_ordered_once_and_kept(bench: AcmeBench) -> None:
    """Its answers are live before the CA is told, and withdrawn after; the next process has it as well."""
    issued = bench.obtain()
    assert (issued.is_new, [str(name) for name in issued.leaf.names]) == (True, ["a.example.com"])
    assert [bool(answers) for answers in bench.published] == [True, False]
    bench.restart()
    again = bench.obtain()
    assert (again.is_new, again.credential) == (False, issued.credential)
    assert (bench.first.issued, bench.second.log) == (1, [])
    (attempt,) = bench.attempts()
    assert (attempt.reason, attempt.generation, attempt.facts["ca"]) == ("first", 1, "first")
    assert attempt.facts["challenge a.example.com"].startswith("tls-alpn-01: ")


def test_it_is_renewed_when_the_ca_suggests_and_says_what_it_replaces(bench: AcmeBench) -> None:
    """The moment is drawn once; a window that was moved to now renews at the next poll."""
    bench.suggest(NOW + 40 * DAY, NOW + 42 * DAY)
    first = bench.obtain()
    assert first.renews_at == NOW + 41 * DAY
    assert first.next_at == NOW + 6 * HOUR
    bench.clock.advance(hours=6)
    assert bench.obtain().renews_at == NOW + 41 * DAY
    bench.suggest(NOW - DAY, NOW)
    bench.clock.advance(hours=5)
    assert not bench.obtain().is_new
    bench.clock.advance(hours=1)
    second = bench.obtain()
    assert second.is_new
    assert bench.first.orders[1].request["replaces"]
    assert bench.attempts()[1].reason == "renewal_information"


def test_without_a_suggestion_it_is_renewed_by_its_share_of_life(bench: AcmeBench) -> None:
    """Never before half of its life has passed, and never later than two thirds of it."""
    bench.first.window = Answer(404)
    issued = bench.obtain()
    assert issued.renews_at
    whole = issued.leaf.not_after - issued.leaf.not_before
    assert whole / 2 < issued.renews_at - issued.leaf.not_before <= whole * 2 / 3
    bench.clock.moment = issued.renews_at
    assert bench.obtain().is_new


@pytest.mark.parametrize(
    "change", [{"names": ("a.example.com", "b.example.com")}, {"profile": "short"}, {"cas": ("second",)}]
)
def test_another_policy_renews_at_once(bench: AcmeBench, change: dict[str, object]) -> None:
    """Other names, another profile, or a CA that is no longer in the list."""
    bench.obtain()
    for field, value in change.items():
        setattr(bench, field, value)
    assert bench.obtain().is_new
    assert bench.attempts()[-1].reason == "policy"
    assert not bench.obtain().is_new


@pytest.mark.parametrize(
    "fault",
    [
        Cut(done=False),
        Instead(problem(503, "serverInternal")),
        Instead(problem(429, "rateLimited")),
        Instead(problem(403, "externalAccountRequired")),
    ],
)
def test_the_next_ca_takes_over_and_the_first_is_returned_to(
    bench: AcmeBench, fault: Cut | Instead, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first one does not answer, limits or refuses; afterwards it is the first again."""
    monkeypatch.setattr("port443.core.acme.attempt.RETRY_PAUSE_S", 0.0)
    bench.first.every["new-account"] = fault
    assert bench.obtain().is_new
    assert (bench.first.issued, bench.second.issued) == (0, 1)
    assert [(one.facts["ca"], one.generation) for one in bench.attempts()] == [("first", None), ("second", 1)]
    bench.first.every.clear()
    bench.clock.advance(days=80)
    assert bench.obtain().is_new
    assert (bench.first.issued, bench.second.issued) == (1, 1)


def test_our_own_fault_moves_to_no_other_ca(bench: AcmeBench) -> None:
    """Attempts back off as the CA counts them, over restarts too; a mended cause is tried on demand."""
    bench.first.validates = lambda _: False
    with pytest.raises(AcmeError) as failed:
        bench.obtain()
    assert failed.value.retry_at == NOW + ORDER_PAUSES[0]
    assert bench.second.log == []
    for pause in ORDER_PAUSES[1:4]:
        bench.restart()
        bench.clock.advance(seconds=50)
        with pytest.raises(OrderWaits) as waits:
            bench.obtain()
        assert failed.value.message in waits.value.message
        assert waits.value.retry_at
        bench.clock.moment = waits.value.retry_at
        with pytest.raises(AcmeError) as failed:
            bench.obtain()
        assert failed.value.retry_at == bench.clock.now() + pause
    assert len(bench.first.orders) == 4
    bench.first.validates = lambda _: True
    bench.issuer.order_now(bench.site.id)
    assert bench.obtain().is_new
    assert (bench.first.issued, bench.second.log) == (1, [])


def test_asked_for_once_is_ordered_once(bench: AcmeBench) -> None:
    """Also when it fails: what comes after that waits as usual."""
    bench.obtain()
    bench.issuer.order_now(bench.site.id)
    bench.first.validates = lambda _: False
    with pytest.raises(AcmeError):
        bench.obtain()
    assert not bench.obtain().is_new
    assert [one.reason for one in bench.attempts()] == ["first", "ordered"]


def test_all_that_fail_are_named(bench: AcmeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("port443.core.acme.attempt.RETRY_PAUSE_S", 0.0)
    for ca in (bench.first, bench.second):
        ca.every["new-account"] = Cut(done=False)
    with pytest.raises(NoIssuerGave) as error:
        bench.obtain()
    assert "first: " in error.value.message
    assert "; second: " in error.value.message


def test_the_ledger_refuses_what_would_lock_out(bench: AcmeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order is not made at that CA, and the message says when it may be."""
    limits = (RateLimit("certificate", 2, 7 * DAY, is_waived_by_replaces=False),)
    known = replace(KNOWN_CAS[1], directory="https://first.test/directory", limits=limits)
    monkeypatch.setattr("port443.app.acme_attempt.BY_DIRECTORY", {known.directory: known})
    bench.cas = ("first",)
    for _ in range(2):
        bench.issuer.order_now(bench.site.id)
        bench.obtain()
    bench.issuer.order_now(bench.site.id)
    with pytest.raises(RateLimitSpent) as refused:
        bench.obtain()
    assert refused.value.retry_at == NOW + 7 * DAY
    assert len(bench.first.orders) == 2


@pytest.mark.parametrize(("about", "orders"), [("address", 0), ("CA", 1)])
def test_the_first_order_from_a_public_ca_is_looked_at_first(
    bench: AcmeBench, monkeypatch: pytest.MonkeyPatch, about: str, orders: int
) -> None:
    """What would fail everywhere is ordered nowhere; what is one CA's own, from the next one."""
    monkeypatch.setattr(
        "port443.app.acme_issuer.BY_DIRECTORY", {"https://first.test/directory": KNOWN_CAS[1]}
    )
    seen: list[str] = []

    async def look(wanted: Wanted) -> PreflightCheck | None:
        seen.append(wanted.ca.name)
        return PreflightCheck(about, "failed", "a.example.com leads elsewhere", "lead it here")

    bench.issuer.set_preflight(look)
    if orders:
        bench.obtain()
    else:
        with pytest.raises(PreflightFailed, match="leads elsewhere; nothing was ordered"):
            bench.obtain()
    assert (len(bench.first.orders), bench.second.issued, seen) == (0, orders, ["first"])
    assert bench.attempts()[0].code == "P443-E267"
    bench.issuer.order_now(bench.site.id)
    bench.obtain()
    assert (bench.first.issued, seen) == (1, ["first"])


def test_an_account_that_the_ca_forgot_is_registered_anew(bench: AcmeBench) -> None:
    """With the same key, and the order is made in the same attempt."""
    bench.obtain()
    bench.first.accounts.clear()
    bench.issuer.order_now(bench.site.id)
    assert bench.obtain().is_new
    assert len(bench.first.accounts) == 1


def broken(ca: StandInCA, csr: object) -> list[list[object]]:
    return [[chain[0]] for chain in certify(ca, csr, not_before=NOW - 3 * DAY, not_after=NOW - DAY)]  # type: ignore[arg-type]


def test_a_certificate_that_is_unfit_is_never_activated(bench: AcmeBench) -> None:
    """What was served is served on."""
    first = bench.obtain()
    bench.cas = ("first",)
    bench.first.certify = broken  # type: ignore[assignment]
    bench.issuer.order_now(bench.site.id)
    with pytest.raises(CertificateUnfit):
        bench.obtain()
    assert asyncio.run(bench.issuer.last_good(bench.site, bench.clock.now())) == first.credential


class Killed(Exception):
    """The process ended."""


class DyingStore(MemoryStore):
    """A store whose process ends at its `dies_at`-th call: before it is done, or after."""

    dies_at: int = -1
    after: bool = False
    seen: int = 0

    def _called(self) -> None:
        self.seen += 1
        if self.seen == self.dies_at:
            raise Killed


def test_whenever_the_process_dies_the_order_ends_with_one_certificate() -> None:
    """Killed at every single call to the store: the next process goes on, and orders nothing twice."""
    calls = AcmeBench(store=DyingStore())
    calls.obtain()
    total = calls.store.seen  # type: ignore[attr-defined]
    assert total > 10
    for dies_at in range(1, total + 1):
        store = DyingStore()
        store.dies_at = dies_at
        bench = AcmeBench(store=store)
        with pytest.raises(Killed):
            bench.obtain()
        bench.restart()
        bench.obtain()
        assert bench.first.issued == 1, dies_at
        assert asyncio.run(store.open_order(lineage_of(bench.site.id))) is None
        bench.restart()
        assert not bench.obtain().is_new


@pytest.mark.parametrize(
    "endpoint", ["new-account", "new-order", "authorisation", "challenge", "order", "finalise", "certificate"]
)
@pytest.mark.parametrize("done", [False, True])
def test_a_ca_that_breaks_off_anywhere_gives_one_certificate(
    bench: AcmeBench, endpoint: str, *, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same attempt, or in the next one."""
    monkeypatch.setattr("port443.core.acme.attempt.RETRY_PAUSE_S", 0.0)
    bench.cas = ("first",)
    bench.first.faults[endpoint].extend([Cut(done=done)] * 4)
    for _ in range(6):
        try:
            bench.obtain()
            break
        except CertificateError:
            bench.restart()
            bench.clock.advance(hours=7)
    assert bench.first.issued == 1
    assert not bench.obtain().is_new


def test_a_wrong_clock_orders_nothing(bench: AcmeBench) -> None:
    wrong = ClockWrong("the clock is wrong")
    with pytest.raises(ClockWrong):
        asyncio.run(bench.issuer.obtain(bench.site, wrong, bench.told.append))
    assert bench.first.log == []


def test_a_store_that_fails_orders_nothing(bench: AcmeBench) -> None:
    bench.store.broken = StoreError("gone")
    with pytest.raises(StoreError):
        bench.obtain()
    assert bench.first.log == []
    assert asyncio.run(bench.issuer.last_good(bench.site, bench.clock.now())) is None
