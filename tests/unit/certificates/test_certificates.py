"""The certificates: certificates made, renewed, read from files, and kept when something fails."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from memory_store import MemoryStore
from pki import NOW, Made, intermediate, leaf, root
from port443.adapters.key_files import CertificateFileUnreadable, FilesOnDisk
from port443.app.certificates import EVER, CertificateManager, CertificateNotStored
from port443.app.local_ca import AuthorityKind, LocalCA
from port443.app.need_jobs import JOB_KINDS
from port443.app.scheduler import Scheduler
from port443.core.control.events import CertificateEvent
from port443.core.errors import Port443Error, StoreError
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential, DesiredSite, LocalIssuer, OwnCertificate, SiteNeeds
from port443.core.renew.clock import ClockWrong
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.when import LONGEST_PAUSE
from port443.core.x509.chain import explain_chain
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import read_pkcs8, spki_of
from port443.core.x509.local_ca import NameNotPermitted
from port443.core.x509.own import CertificateOutOfDate, KeyDoesNotFit, NamesNotCovered
from port443.core.x509.path import TrustedRoots
from port443.ports import Generation
from port443.wiring import make_certificates
from standin_clock import StandInClock

CA = root("Somebody's root")
MIDDLE = intermediate(CA, "Somebody's intermediate")


@dataclass
class Kept:
    """What the jobs of some sites have brought."""

    needs: dict[str, SiteNeeds]
    events: tuple[CertificateEvent, ...]

    @property
    def credentials(self) -> dict[str, Credential]:
        return {site: need.credential for site, need in self.needs.items() if need.credential}

    @property
    def client_roots(self) -> dict[str, tuple[bytes, ...]]:
        return {site: roots for site, need in self.needs.items() if (roots := need.client_roots) is not None}

    @property
    def faults(self) -> dict[str, Port443Error]:
        return {site: need.fault for site, need in self.needs.items() if need.fault}

    @property
    def warnings(self) -> dict[str, tuple[str, ...]]:
        return {site: need.warnings for site, need in self.needs.items()}


@dataclass
class Bench:
    """A certificate manager with everything around it."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: StandInClock = field(default_factory=StandInClock)
    built: datetime = EVER
    manager: CertificateManager = field(init=False)
    scheduler: Scheduler = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew with the same store, as the next process does."""
        self.manager = make_certificates(self.store, self.clock, lambda: TrustedRoots.of(()), self.built)
        self.scheduler = Scheduler(self.clock, self.store)

    def keep(self, *sites: DesiredSite) -> Kept:
        """Have these sites, and run all their jobs, as a reload does."""
        self.scheduler.replace(JOB_KINDS, self.manager.jobs(sites))
        self.scheduler.make_local_due()
        asyncio.run(self.scheduler.settle())
        return Kept(self.manager.needs(sites), self.manager.take_events())

    def files_changed(self) -> bool:
        return bool(self.manager.changed_files())

    def next_due(self) -> datetime | None:
        """Return when the next job runs."""
        return self.scheduler.next_time

    def root(self, kind: AuthorityKind = "reserved") -> CertFacts | None:
        return asyncio.run(LocalCA(self.store).roots()).get(kind)


def root_of(bench: Bench) -> CertFacts:
    root = bench.root()
    assert root
    return root


def local(*names: str, unconstrained: bool = False) -> DesiredSite:
    return DesiredSite(names[0], tuple(map(parse_site_name, names)), (), LocalIssuer(unconstrained))


def own(chain: Path, *names: str) -> DesiredSite:
    certificate = OwnCertificate(chain, chain.with_suffix(".key"))
    return DesiredSite(names[0], tuple(map(parse_site_name, names)), (), certificate)


def put(path: Path, chain: Sequence[Made], key: Made | None = None) -> None:
    """Put a pair of files in place; always as other files than before."""
    for place, content in (
        (path, b"".join(made.pem for made in chain)),
        (path.with_suffix(".key"), (key or chain[0]).key_pem),
    ):
        draft = place.with_suffix(".new")
        draft.write_bytes(content)
        draft.chmod(0o600)
        draft.replace(place)


def leaf_of(credential: Credential) -> CertFacts:
    return CertFacts.from_der(credential.chain[0])


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "shop.pem"


# The local CA.


def test_a_new_site_gets_a_leaf_of_a_new_root(bench: Bench) -> None:
    """Key, names and chain belong together, and the root is there to be trusted."""
    kept = bench.keep(local("demo.localhost", "127.0.0.1", "::1"))
    credential = kept.credentials["demo.localhost"]
    found = leaf_of(credential)
    assert kept.faults == {}
    assert found.names == credential.names
    assert found.spki == spki_of(read_pkcs8(credential.key_pkcs8, "demo"))
    assert explain_chain([found], TrustedRoots.of([root_of(bench)]), NOW).is_trusted
    (event,) = kept.events
    assert (event.name, event.site) == ("certificate_issued", "demo.localhost")


def test_what_is_kept_stays_the_same(bench: Bench) -> None:
    """Asking again, and asking after a restart, gives the same certificate and no news."""
    first = bench.keep(local("a.test"))
    again = bench.keep(local("a.test"))
    bench.restart()
    after = bench.keep(local("a.test"))
    assert first.credentials == again.credentials == after.credentials
    assert [*again.events, *after.events] == []


def test_other_names_are_another_certificate(bench: Bench) -> None:
    """A name more or a name less is issued for at once; their order is nothing."""
    first = bench.keep(local("a.test", "b.test")).credentials["a.test"]
    assert bench.keep(local("a.test", "b.test")).credentials["a.test"] == first
    for names in (("a.test", "b.test", "c.test"), ("a.test",)):
        assert leaf_of(bench.keep(local(*names)).credentials["a.test"]).names == tuple(
            map(parse_site_name, names)
        )


def test_a_leaf_is_renewed_at_two_thirds(bench: Bench) -> None:
    """Not before its moment, at it, under the same root with another key; and again after that."""
    first = leaf_of(bench.keep(local("a.test")).credentials["a.test"])
    due = bench.next_due()
    assert due
    assert timedelta(days=54) < due - NOW <= timedelta(days=60)
    bench.clock.moment = due - timedelta(seconds=1)
    assert leaf_of(bench.keep(local("a.test")).credentials["a.test"]) == first
    bench.clock.moment = due
    second = leaf_of(bench.keep(local("a.test")).credentials["a.test"])
    assert second.not_after == due.replace(microsecond=0) + timedelta(days=90)
    assert second.spki != first.spki
    assert second.authority_key_id == first.authority_key_id
    following = bench.next_due()
    assert following
    assert following > due


def test_three_years_pass_without_a_gap(bench: Bench) -> None:
    """Woken only when it asks to be, the certificates never lets a certificate end or repeat."""
    sites = [local(f"{name}.test") for name in "abcdefgh"]
    served: dict[str, CertFacts] = {}
    end = NOW + timedelta(days=1100)
    while bench.clock.moment < end:
        kept = bench.keep(*sites)
        assert kept.faults == {}
        for site, credential in kept.credentials.items():
            assert site not in served or bench.clock.moment < served[site].not_after - timedelta(days=29)
            served[site] = leaf_of(credential)
        due = bench.next_due()
        assert due
        assert due > bench.clock.moment
        bench.clock.moment = due
    assert {one.not_after > end for one in served.values()} == {True}


def test_sites_do_not_all_renew_in_one_minute(bench: Bench) -> None:
    """Made in one moment, they are renewed spread over days."""
    moments = set()
    for index in range(20):
        bench.restart()
        bench.keep(local(f"site{index}.test"))
        moments.add(bench.next_due())
    assert len(moments) == 20


def test_a_clock_that_was_set_back_gets_certificates_of_its_time(bench: Bench) -> None:
    """Leaf and root of the future are made anew, since no client takes them; the root's key stays."""
    bench.keep(local("a.test"))
    before = root_of(bench)
    bench.clock.advance(days=-30)
    for _ in range(2):
        assert leaf_of(bench.keep(local("a.test")).credentials["a.test"]).is_valid_at(bench.clock.moment)
        assert root_of(bench).is_valid_at(bench.clock.moment)
        assert root_of(bench).spki == before.spki
        bench.restart()


def test_a_clock_before_the_build_is_the_fault_and_dates_nothing(bench: Bench, files: Path) -> None:
    """What was served goes on whatever its dates; nothing is made, saved or refused by such a clock."""
    built = bench.clock.moment - timedelta(hours=2)
    sites = local("a.test"), own(files, "shop.test")
    put(files, [leaf(MIDDLE, "shop.test"), MIDDLE])
    before = bench.keep(*sites)
    bench.clock.moment = datetime(1970, 1, 1, tzinfo=UTC)
    for restart in (False, True):
        if restart:
            bench.restart()
        bench.built = built
        bench.restart()
        kept = bench.keep(*sites, local("new.test"))
        assert kept.credentials == before.credentials
        assert {type(fault) for fault in kept.faults.values()} == {ClockWrong}
        assert set(kept.faults) == {site.id for site in sites} | {"new.test"}
        assert "1970-01-01" in kept.faults["a.test"].message
        assert f"{built:%Y-%m-%d}" in kept.faults["a.test"].message
    bench.clock.moment = NOW
    assert bench.keep(*sites).faults == {}


def test_near_its_end_the_root_lives_on_under_the_same_key(bench: Bench) -> None:
    """A year ahead there is a new root that old leaves are good under, and new ones under the old root."""
    old_leaf = leaf_of(bench.keep(local("a.test")).credentials["a.test"])
    old_root = root_of(bench)
    bench.clock.moment = old_root.not_after - timedelta(days=364)
    new_leaf = leaf_of(bench.keep(local("a.test")).credentials["a.test"])
    assert root_of(bench) != old_root
    for one, by in ((old_leaf, root_of(bench)), (new_leaf, old_root)):
        assert explain_chain([one], TrustedRoots.of([by]), one.not_before + timedelta(days=1)).reaches_root


def test_only_who_asks_gets_the_unconstrained_root(bench: Bench) -> None:
    """A public name without asking is that site's fault alone, and makes no second root."""
    kept = bench.keep(local("shop.example"), local("a.test"))
    assert isinstance(kept.faults["shop.example"], NameNotPermitted)
    assert list(kept.credentials) == ["a.test"]
    assert bench.root("any") is None
    kept = bench.keep(local("shop.example", unconstrained=True), local("a.test"))
    assert kept.faults == {}
    assert bench.root("any") != root_of(bench)


# The store.


def test_a_store_that_fails_at_first_is_a_fault_of_each_site(bench: Bench) -> None:
    """It is told once, with the store's own cause and hint, and tried again later and later."""
    bench.store.broken = StoreError("the disk is full", "make room")
    kept = bench.keep(local("a.test"), local("b.test"))
    assert kept.credentials == {}
    fault = kept.faults["a.test"]
    assert isinstance(fault, CertificateNotStored)
    assert ("the disk is full" in fault.message, fault.hint) == (True, "make room")
    assert [event.site for event in kept.events] == ["a.test", "b.test"]
    pauses = []
    for _ in range(9):
        due = bench.next_due()
        assert due
        pauses.append(due - bench.clock.moment)
        bench.clock.moment = due
        assert bench.keep(local("a.test"), local("b.test")).events == ()
    assert pauses[0] == timedelta(minutes=1)
    assert pauses[-1] == LONGEST_PAUSE
    bench.store.broken = None
    assert bench.keep(local("a.test"), local("b.test")).faults == {}


def test_a_renewal_that_fails_leaves_the_last_certificate(bench: Bench) -> None:
    """As long as it is good it is served beside the fault; when the store works again it is renewed."""
    first = bench.keep(local("a.test")).credentials["a.test"]
    bench.clock.advance(days=70)
    bench.store.broken = StoreError("the disk is full")
    kept = bench.keep(local("a.test"))
    assert kept.credentials == {"a.test": first}
    assert "a.test" in kept.faults
    bench.clock.advance(days=30)
    assert bench.keep(local("a.test")).credentials == {}, "what has ended is no certificate"
    bench.store.broken = None
    assert bench.keep(local("a.test")).credentials["a.test"] != first


@dataclass
class HalfBroken(MemoryStore):
    """Can be read, and cannot be written."""

    readable_only: bool = False

    async def put(self, lineage: str, credential: Credential, created_at: datetime) -> Generation:
        if self.readable_only:
            raise StoreError("read-only file system")
        return await super().put(lineage, credential, created_at)


def test_after_a_restart_the_last_certificate_is_found_though_none_can_be_written() -> None:
    """A full disk and a restart at once: what the store holds is served."""
    store = HalfBroken()
    bench = Bench(store)
    first = bench.keep(local("a.test")).credentials["a.test"]
    store.readable_only = True
    bench.clock.advance(days=70)
    bench.restart()
    kept = bench.keep(local("a.test"))
    assert kept.credentials == {"a.test": first}
    assert "a.test" in kept.faults


def test_what_was_put_but_not_activated_is_used(bench: Bench) -> None:
    """Killed in between, the next process activates what is there and makes no third one."""
    made = bench.keep(local("a.test")).credentials["a.test"]
    bench.store._active.pop("site/a.test")
    bench.restart()
    assert bench.keep(local("a.test")).credentials["a.test"] == made
    newest = asyncio.run(bench.store.newest("site/a.test"))
    assert newest
    assert newest.number == 1


@dataclass
class Raced(MemoryStore):
    """Another process activates its own just before us, once."""

    other: Credential | None = None

    async def activate(self, generation: Generation, instead_of: int | None) -> None:
        if self.other and generation.lineage.startswith("site/"):
            rival, self.other = await self.put(generation.lineage, self.other, NOW), None
            await super().activate(rival, instead_of)
        await super().activate(generation, instead_of)


def test_the_faster_of_two_wins_and_both_serve_it() -> None:
    """Who loses the comparison takes the winner's certificate when it fits."""
    store = Raced()
    bench = Bench(store)
    rival = bench.keep(local("a.test")).credentials["a.test"]
    store._active.pop("site/a.test")
    store._generations.pop("site/a.test")
    store.other = rival
    bench.restart()
    kept = bench.keep(local("a.test"))
    assert kept.credentials == {"a.test": rival}
    assert kept.faults == {}


def test_losing_to_a_certificate_that_does_not_fit_is_a_fault() -> None:
    """The winner's is for other names: nothing is served, and it is tried again."""
    store = Raced()
    bench = Bench(store)
    store.other = bench.keep(local("b.test")).credentials["b.test"]
    kept = bench.keep(local("a.test"))
    assert isinstance(kept.faults["a.test"].__cause__, GenerationSuperseded)
    assert bench.keep(local("a.test")).faults == {}


# An owner's files.


def test_own_files_are_served_and_their_end_is_awaited(bench: Bench, files: Path) -> None:
    made = leaf(MIDDLE, "shop.example")
    put(files, [made, MIDDLE])
    kept = bench.keep(own(files, "shop.example"))
    credential = kept.credentials["shop.example"]
    assert credential.chain == (made.facts.der, MIDDLE.facts.der)
    assert spki_of(read_pkcs8(credential.key_pkcs8, "shop")) == made.facts.spki
    assert [event.name for event in kept.events] == ["certificate_loaded"]
    assert bench.next_due() == made.facts.not_after
    assert not bench.files_changed()
    assert bench.store.calls == 1, "where its job stands"


def test_changed_files_are_picked_up(bench: Bench, files: Path) -> None:
    """New chain, new key: noticed by looking at the files alone, served from the next round on."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    first = bench.keep(own(files, "shop.example"))
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    assert bench.files_changed()
    second = bench.keep(own(files, "shop.example"))
    assert second.credentials != first.credentials
    assert not bench.files_changed()
    assert [event.name for event in second.events] == ["certificate_loaded"]


def test_files_of_a_site_that_has_the_local_ca_now_are_looked_at_no_longer(bench: Bench, files: Path) -> None:
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    bench.keep(own(files, "shop.example"))
    files.unlink()
    assert bench.files_changed()
    bench.keep(local("shop.example"))
    assert not bench.files_changed()


def test_a_bad_pair_leaves_the_last_good_one(bench: Bench, files: Path) -> None:
    """The key of another certificate: told once, the old pair is served, a good one is taken at once."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    good = bench.keep(own(files, "shop.example")).credentials
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE], key=leaf(MIDDLE))
    kept = bench.keep(own(files, "shop.example"))
    assert kept.credentials == good
    assert isinstance(kept.faults["shop.example"], KeyDoesNotFit)
    assert [event.name for event in kept.events] == ["certificate_refused"]
    again = bench.keep(own(files, "shop.example"))
    assert (again.credentials, again.events) == (good, ())
    assert isinstance(again.faults["shop.example"], KeyDoesNotFit)
    assert not bench.files_changed()
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    assert bench.keep(own(files, "shop.example")).faults == {}


@pytest.mark.parametrize("harm", ["key", "chain", "away"])
def test_a_bad_pair_after_a_restart_leaves_the_last_good_one(bench: Bench, files: Path, harm: str) -> None:
    """What the store has of an earlier run is served with the fault beside it, as it would be without one."""
    good = leaf(MIDDLE, "shop.test")
    put(files, [good, MIDDLE])
    site = own(files, "shop.test")
    before = bench.keep(site).credentials
    asyncio.run(bench.manager.save(["shop.test"]))
    if harm == "away":
        files.unlink()
    else:
        (files if harm == "chain" else files.with_suffix(".key")).write_text("nothing")
    bench.restart()
    kept = bench.keep(site)
    assert kept.credentials == before
    assert kept.faults.keys() == {"shop.test"}
    assert [event.name for event in kept.events] == ["certificate_refused"]
    bench.clock.moment = good.facts.not_after + timedelta(seconds=1)
    assert bench.keep(site).credentials == before
    bench.restart()
    assert bench.keep(site).credentials == before


def test_what_did_not_run_is_not_kept_for_a_restart(bench: Bench, files: Path) -> None:
    """Only a pair that the edge could serve is the last good one; another name makes it useless."""
    put(files, [leaf(MIDDLE, "shop.test"), MIDDLE])
    site = own(files, "shop.test")
    bench.keep(site)
    asyncio.run(bench.manager.save([]))
    files.unlink()
    bench.restart()
    assert bench.keep(site).credentials == {}
    put(files, [leaf(MIDDLE, "shop.test"), MIDDLE])
    bench.keep(site)
    asyncio.run(bench.manager.save(["shop.test"]))
    files.unlink()
    bench.restart()
    assert bench.keep(replace(site, names=(*site.names, parse_site_name("new.test")))).credentials == {}


def test_the_clients_of_a_site_stay_the_same_over_a_restart(bench: Bench, files: Path) -> None:
    """A CA file that went missing lets in whom it named; another file's clients are not let in."""
    files.write_bytes(CA.pem)
    asking = replace(local("team.test"), client_ca=files)
    assert bench.keep(asking).client_roots == {"team.test": (CA.facts.der,)}
    asyncio.run(bench.manager.save(["team.test"]))
    files.unlink()
    bench.restart()
    kept = bench.keep(asking)
    assert kept.client_roots == {"team.test": (CA.facts.der,)}
    assert kept.faults.keys() == {"team.test"}
    bench.restart()
    other = replace(asking, client_ca=files.with_suffix(".other"))
    assert bench.keep(other).client_roots == {"team.test": ()}


def test_files_that_vanish_and_come_back(bench: Bench, files: Path) -> None:
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    good = bench.keep(own(files, "shop.example")).credentials
    content = files.read_bytes()
    files.unlink()
    assert bench.files_changed()
    kept = bench.keep(own(files, "shop.example"))
    assert kept.credentials == good
    assert isinstance(kept.faults["shop.example"], CertificateFileUnreadable)
    files.write_bytes(content)
    assert bench.files_changed()
    assert bench.keep(own(files, "shop.example")).faults == {}


def test_a_bad_pair_from_the_start_is_that_sites_fault_alone(bench: Bench, files: Path) -> None:
    kept = bench.keep(own(files, "shop.example"), local("a.test"))
    assert isinstance(kept.faults["shop.example"], CertificateFileUnreadable)
    assert list(kept.credentials) == ["a.test"]


def test_a_name_that_the_pair_does_not_cover_takes_it_from_service(bench: Bench, files: Path) -> None:
    """When the settings add a name, the old pair is no good pair for the site any more."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    bench.keep(own(files, "shop.example"))
    kept = bench.keep(own(files, "shop.example", "www.shop.example"))
    assert isinstance(kept.faults["shop.example"], NamesNotCovered)
    assert kept.credentials == {}
    assert bench.keep(own(files, "shop.example")).faults == {}


def test_the_end_of_an_own_certificate_is_told_and_it_is_still_served(bench: Bench, files: Path) -> None:
    """Nothing better is there; the fault says what to do."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    bench.keep(own(files, "shop.example"))
    due = bench.next_due()
    assert due
    bench.clock.moment = due + timedelta(seconds=1)
    kept = bench.keep(own(files, "shop.example"))
    assert isinstance(kept.faults["shop.example"], CertificateOutOfDate)
    assert "shop.example" in kept.credentials


def test_warnings_stand_beside_the_certificate(bench: Bench, files: Path) -> None:
    """A key that everybody can read and a missing intermediate are told, once as news."""
    put(files, [leaf(MIDDLE, "shop.example")])
    files.with_suffix(".key").chmod(0o644)
    kept = bench.keep(own(files, "shop.example"))
    assert len(kept.warnings["shop.example"]) == 2
    assert [event.name for event in kept.events] == ["certificate_loaded", *["certificate_warned"] * 2]
    again = bench.keep(own(files, "shop.example"))
    assert (again.warnings, again.events) == (kept.warnings, ())


def test_sites_that_went_are_forgotten(bench: Bench, files: Path) -> None:
    """Their files are no longer looked at, their certificates no longer waited for."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    bench.keep(own(files, "shop.example"), local("a.test"), local("b.example"))
    assert bench.keep().credentials == {}
    files.unlink()
    assert not bench.files_changed()
    assert bench.next_due() is None


def test_a_site_can_change_from_own_files_to_the_local_ca(bench: Bench, files: Path) -> None:
    put(files, [leaf(MIDDLE, "a.test"), MIDDLE])
    brought = bench.keep(own(files, "a.test")).credentials["a.test"]
    made = bench.keep(local("a.test")).credentials["a.test"]
    assert leaf_of(made).issuer == root_of(bench).subject
    assert bench.keep(own(files, "a.test")).credentials["a.test"] == brought


def test_a_pipe_or_an_endless_file_does_not_hold_anybody_up(tmp_path: Path) -> None:
    """What is no ordinary file, or far too long, is refused at once."""
    os.mkfifo(tmp_path / "pipe")
    long = tmp_path / "long"
    with long.open("wb") as file:
        file.truncate(2**40)
    for path in (tmp_path / "pipe", tmp_path, long):
        with pytest.raises(CertificateFileUnreadable):
            FilesOnDisk().read(path)


def test_a_site_keeps_its_own_answer(bench: Bench, files: Path) -> None:
    """Two sites with one pair of files, one of them not covered: only that one has a fault."""
    put(files, [leaf(MIDDLE, "shop.example"), MIDDLE])
    one, two = own(files, "shop.example"), replace(own(files, "b.example"), id="b.example")
    kept = bench.keep(one, two)
    assert list(kept.credentials) == ["shop.example"]
    assert list(kept.faults) == ["b.example"]
