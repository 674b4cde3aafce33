"""What every store promises, real or fake; another storage backend is another line of STORES."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest

from memory_store import MemoryStore
from pki import NOW, leaf, root
from port443.adapters.state_directory import StateDirectory
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.x509.keys import pkcs8
from port443.ports import JobRecord, Store
from port443.wiring import opened_store

SITE = "site/a.test"
CA = root()


def credential(*names: str) -> Credential:
    made = leaf(CA, *names)
    return Credential(tuple(map(parse_site_name, names)), (made.facts.der, CA.facts.der), pkcs8(made.key))


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
        await store.remember_jobs({"certificate/a.test": good, "certificate/b.test": good})
        await store.remember_jobs({"certificate/a.test": None, "certificate/b.test": bad, "x": None})
        assert await store.job_records() == {"certificate/b.test": bad}

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
        await store.remember_hsts({"a.test": HstsStep(0, NOW), "b.test": HstsStep(2, NOW)}, {})
        await store.remember_hsts({"a.test": higher}, {})
        for minutes in (3, 9, 1):
            await store.remember_hsts({}, {"a.test": NOW + timedelta(minutes=minutes)})
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
        await store.keep_last_good({SITE: ONE}, {"a.test": (here, cas)}, NOW)
        await store.keep_last_good({SITE: ONE}, {}, NOW)
        first = await store.active(SITE)
        assert first
        assert (first.number, first.credential) == (1, ONE)
        await store.keep_last_good({SITE: TWO, "own/b.test": THREE}, {"a.test": (there, cas)}, NOW)
        second, other = await store.active(SITE), await store.active("own/b.test")
        assert second
        assert other
        assert (second.number, second.credential, other.credential) == (2, TWO, THREE)
        assert await store.last_client_cas("a.test", there) == cas
        assert await store.last_client_cas("a.test", here) == ()
        assert await store.last_client_cas("b.test", there) == ()

    asyncio.run(play())
