"""What every store promises, real or fake; another storage backend is another line of STORES."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from memory_store import MemoryStore
from pki import NOW, leaf, root
from port443.adapters.state_directory import StateDirectory
from port443.core.acme.state import OpenOrder, OrderState
from port443.core.control.own_scan import OwnScan
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.renew.information import RenewalInformation, RenewalWindow
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.records import AcmeAccount, Attempt, Spent
from port443.core.x509.keys import pkcs8
from port443.ports import KEPT_SCANS, JobRecord, Store
from port443.wiring import opened_store

SITE = "site/a.test"
CA = root()


def credential(*names: str) -> Credential:
    made = leaf(CA, *names)
    return Credential(tuple(map(parse_site_name, names)), (made.facts.der, CA.facts.der), pkcs8(made.key))


DIRECTORY = "https://ca.test/directory"
FAILED = Attempt(
    DIRECTORY, NOW, NOW + timedelta(seconds=9), "first", "validating a.test", "P443-E260", "no", "wait"
)
ISSUED = Attempt(DIRECTORY, NOW, NOW + timedelta(seconds=5), "policy", "done", facts={"order": "https://x"})
ONE, TWO, THREE = credential("a.test", "::1"), credential("a.test"), credential("a.test")


STORES: dict[str, Callable[[Path], AbstractContextManager[Store]]] = {
    "sqlite": lambda path: opened_store(StateDirectory.prepare(path / "state")),
    "memory": lambda _: nullcontext(MemoryStore()),
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with STORES[request.param](tmp_path) as store:
        yield store


def test_an_empty_store_has_nothing(store: Store) -> None:
    async def play() -> None:
        assert await store.active(SITE) is None
        assert await store.newest(SITE) is None
        assert await store.hsts_memory() == ({}, {})
        assert await store.job_records() == {}

    asyncio.run(play())


def test_where_jobs_stand_is_remembered_and_forgotten(store: Store) -> None:
    """All of it at once: one that went well, one that waits after failures, one that is gone."""
    good = JobRecord("a.test", None, 0, NOW, None, "it went well")
    bad = JobRecord("b.test", NOW + timedelta(hours=1), 7, NOW, "P443-E213", "the disk is full")

    async def play() -> None:
        await store.save_jobs({"certificate/a.test": good, "certificate/b.test": good})
        await store.save_jobs({"certificate/a.test": None, "certificate/b.test": bad, "x": None})
        assert await store.job_records() == {"certificate/b.test": bad}

    asyncio.run(play())


def test_scans_are_kept_the_newest_first_and_not_for_ever(store: Store) -> None:
    """Of each place its own; two at one moment are one."""
    made = [
        OwnScan("a@1", NOW + timedelta(days=day), "spec", None if day == 1 else "A", {"ALPN": f"h2 {day}"})
        for day in range(KEPT_SCANS + 3)
    ]

    async def play() -> None:
        assert await store.last_scan("a@1") is None
        for scan in (*made, replace(made[-1], letter="B")):
            await store.remember_scan(scan)
        await store.remember_scan(replace(made[0], place="b@1"))
        kept = await store.scans("a@1")
        assert [scan.at for scan in kept] == [scan.at for scan in reversed(made[3:])]
        assert await store.last_scan("a@1") == replace(made[-1], letter="B")
        assert len(await store.scans("b@1")) == 1

    asyncio.run(play())


def test_what_was_put_comes_back_whole(store: Store) -> None:
    """Names, chain and key are the same; it counts only after it was activated."""

    async def play() -> None:
        put = await store.put(SITE, ONE, NOW)
        assert (put.number, put.credential, put.created_at) == (1, ONE, NOW)
        assert await store.active(SITE) is None
        assert await store.newest(SITE) == put
        await store.activate(put, None)
        assert await store.active(SITE) == put

    asyncio.run(play())


def test_the_pointer_moves_by_comparison_only(store: Store) -> None:
    """Who believes that another generation is active is told, and moves nothing."""

    async def play() -> None:
        first, second = await store.put(SITE, ONE, NOW), await store.put(SITE, TWO, NOW)
        await store.activate(first, None)
        for wrong in (None, 2, 7):
            with pytest.raises(GenerationSuperseded):
                await store.activate(second, wrong)
        assert await store.active(SITE) == first
        await store.activate(second, 1)
        assert await store.active(SITE) == second

    asyncio.run(play())


def test_of_many_who_activate_at_once_one_wins(store: Store) -> None:
    async def play() -> None:
        put = [await store.put(SITE, TWO, NOW) for _ in range(8)]
        outcomes = await asyncio.gather(*(store.activate(one, None) for one in put), return_exceptions=True)
        assert outcomes.count(None) == 1
        assert all(one is None or isinstance(one, GenerationSuperseded) for one in outcomes)

    asyncio.run(play())


def test_numbers_grow_and_the_one_before_stays(store: Store) -> None:
    """A number is never used twice, whatever was forgotten; the way back is kept."""

    async def play() -> None:
        last: int | None = None
        for expected in range(1, 6):
            put = await store.put(SITE, (ONE, TWO, THREE)[expected % 3], NOW)
            assert put.number == expected
            await store.activate(put, last)
            last = put.number
        active = await store.active(SITE)
        assert active
        assert active.number == 5
        way_back = await store.put(SITE, ONE, NOW)
        await store.activate(way_back, 5)
        await store.activate(active, 6)
        assert await store.active(SITE) == active

    asyncio.run(play())


def test_lineages_do_not_touch_each_other(store: Store) -> None:
    async def play() -> None:
        mine, other = await store.put(SITE, ONE, NOW), await store.put("site/b.test", TWO, NOW)
        assert mine.number == other.number == 1
        await store.activate(mine, None)
        assert await store.active("site/b.test") is None
        assert await store.newest("site/b.test") == other

    asyncio.run(play())


def test_a_root_without_names_is_kept_too(store: Store) -> None:
    """The local CA's root has a certificate and a key, and no names."""
    authority = Credential((), (CA.facts.der,), pkcs8(CA.key))

    async def play() -> None:
        put = await store.put("authority/reserved", authority, NOW)
        assert put.credential == authority
        newest = await store.newest("authority/reserved")
        assert newest
        assert newest.credential == authority

    asyncio.run(play())


def test_the_ladder_and_the_last_failure_are_remembered(store: Store) -> None:
    """The step is replaced by the newer; of failures the latest counts, in whatever order they come."""

    async def play() -> None:
        higher = HstsStep(1, NOW + timedelta(minutes=5))
        await store.save_hsts({"a.test": HstsStep(0, NOW), "b.test": HstsStep(2, NOW)}, {})
        await store.save_hsts({"a.test": higher}, {})
        for minutes in (3, 9, 1):
            await store.save_hsts({}, {"a.test": NOW + timedelta(minutes=minutes)})
        assert await store.hsts_memory() == (
            {"a.test": higher, "b.test": HstsStep(2, NOW)},
            {"a.test": NOW + timedelta(minutes=9)},
        )

    asyncio.run(play())


def test_what_owners_files_held_is_kept_whole_or_not_at_all(store: Store) -> None:
    """The same chain again is the same generation; CAs are those of the file that they were read from."""

    async def play() -> None:
        here, there = PurePosixPath("here.pem"), PurePosixPath("there.pem")
        cas = (CA.facts.der,)
        await store.save_last_good({SITE: ONE}, {"a.test": (here, cas)}, NOW)
        await store.save_last_good({SITE: ONE}, {}, NOW)
        first = await store.active(SITE)
        assert first
        assert (first.number, first.credential) == (1, ONE)
        await store.save_last_good({SITE: TWO, "own/b.test": THREE}, {"a.test": (there, cas)}, NOW)
        second, other = await store.active(SITE), await store.active("own/b.test")
        assert second
        assert other
        assert (second.number, second.credential, other.credential) == (2, TWO, THREE)
        assert await store.last_client_cas("a.test", there) == cas
        assert await store.last_client_cas("a.test", here) == ()
        assert await store.last_client_cas("b.test", there) == ()

    asyncio.run(play())


def test_an_account_is_kept_by_directory_and_address(store: Store) -> None:
    """It is there with its key before the CA has said its URL; another address is another account."""
    new = AcmeAccount(DIRECTORY, "a@a.test", None, ONE.key_pkcs8, None, NOW)
    other = AcmeAccount(DIRECTORY, "", "https://ca.test/2", TWO.key_pkcs8, "kid", NOW)

    async def play() -> None:
        assert await store.account(DIRECTORY, "a@a.test") is None
        await store.keep_account(new)
        await store.keep_account(other)
        assert await store.account(DIRECTORY, "a@a.test") == new
        known = replace(new, url="https://ca.test/1")
        await store.keep_account(known)
        assert await store.account(DIRECTORY, "a@a.test") == known
        assert await store.account(DIRECTORY, "") == other
        assert await store.account("https://other.test/directory", "") is None

    asyncio.run(play())


def test_a_lineage_has_one_open_order(store: Store) -> None:
    """It goes on from where it was kept last, with the same key; it is gone when an attempt closes it."""
    order = OpenOrder(SITE, DIRECTORY, "", OrderState(ONE.names), ONE.key_pkcs8, NOW)
    further = replace(order, state=replace(order.state, order_url="https://ca.test/order/1"))

    async def play() -> None:
        assert await store.open_order(SITE) is None
        await store.keep_order(order)
        await store.keep_order(further)
        await store.keep_order(replace(order, lineage="site/b.test"))
        assert await store.open_order(SITE) == further
        await store.note_attempt(SITE, FAILED, closes_order=False)
        assert await store.open_order(SITE) == further
        await store.note_attempt(SITE, FAILED, closes_order=True)
        assert await store.open_order(SITE) is None
        assert await store.attempts(SITE) == (FAILED, FAILED)
        assert await store.attempts("site/b.test") == ()
        assert await store.open_order("site/b.test") is not None

    asyncio.run(play())


def test_what_an_order_brought_counts_at_once(store: Store) -> None:
    """The generation is active, the order is closed, and the attempt says which generation it brought."""

    async def play() -> None:
        await store.note_attempt(SITE, FAILED, closes_order=True)
        await store.keep_order(OpenOrder(SITE, DIRECTORY, "", OrderState(ONE.names), ONE.key_pkcs8, NOW))
        first = await store.finish_order(SITE, ONE, ISSUED)
        assert (first.number, first.credential) == (1, ONE)
        assert await store.active(SITE) == first
        assert await store.open_order(SITE) is None
        second = await store.finish_order(SITE, TWO, ISSUED)
        assert await store.active(SITE) == second
        assert await store.attempts(SITE) == (
            FAILED,
            replace(ISSUED, generation=1),
            replace(ISSUED, generation=2),
        )

    asyncio.run(play())


def test_attempts_are_remembered_within_a_bound(store: Store) -> None:
    """Besides the last fifty only the one that brought what is still there."""

    async def play() -> None:
        await store.note_attempt(SITE, FAILED, closes_order=True)
        made = await store.finish_order(SITE, ONE, ISSUED)
        for number in range(60):
            await store.note_attempt(SITE, replace(FAILED, message=str(number)), closes_order=True)
        kept = await store.attempts(SITE)
        assert kept[0] == replace(ISSUED, generation=made.number)
        assert [one.message for one in kept[1:]] == [str(number) for number in range(10, 60)]

    asyncio.run(play())


def test_what_a_ca_counted_is_kept_for_a_week(store: Store) -> None:
    """In the order of time, by CA; what no limit looks back at is forgotten."""
    old = Spent("certificate", "a.test", NOW)
    new = Spent("failed_validation", "a.test", NOW + timedelta(days=6))
    last = Spent("order", "https://ca.test/1", NOW + timedelta(days=8))

    async def play() -> None:
        assert await store.spent(DIRECTORY) == ()
        await store.note_spent(DIRECTORY, [new, old])
        await store.note_spent("https://other.test/directory", [old])
        assert await store.spent(DIRECTORY) == (old, new)
        await store.note_spent(DIRECTORY, [last])
        assert await store.spent(DIRECTORY) == (new, last)
        assert await store.spent("https://other.test/directory") == (old,)

    asyncio.run(play())


def test_renewal_information_is_of_one_generation(store: Store) -> None:
    """The next generation's takes its place."""
    window = RenewalWindow(NOW, NOW + timedelta(days=2), "https://ca.test/why")
    first = RenewalInformation(window, NOW + timedelta(days=1), NOW + timedelta(hours=6))
    second = replace(first, window=replace(window, explanation=None))

    async def play() -> None:
        assert await store.renewal_information(SITE, 1) is None
        await store.keep_renewal_information(SITE, 1, first)
        assert await store.renewal_information(SITE, 1) == first
        assert await store.renewal_information(SITE, 2) is None
        await store.keep_renewal_information(SITE, 2, second)
        assert await store.renewal_information(SITE, 2) == second
        assert await store.renewal_information(SITE, 1) is None

    asyncio.run(play())
