"""Scans of our own sites: when they are made, what is meant, what drifts, and what is kept."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from pki import NOW
from plan_samples import desired, site
from port443.app.own_scans import DAILY, SCAN, OwnScans
from port443.app.scheduler import Job
from port443.app.serve import App
from port443.core.control.events import AppEvent, OwnGradeFell, OwnScanDiffers, OwnScanDrifted
from port443.core.control.own_scan import OwnScan, drift, is_worse, unlike_meant
from port443.core.plan.policies import POLICIES
from port443.core.x509.path import TrustedRoots
from serve_bench import FACTS, ONE_SITE, ServeBench

MODERN = {
    "protocols": "TLS 1.3",
    "cipher suites": "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256",
    "groups": "X25519MLKEM768 secp256r1 secp384r1 x25519",
    "ALPN": "h2 http/1.1",
}
SCANNED = OwnScan("a.test@127.0.0.1:443", NOW, "1", "A+", MODERN)


async def no_roots() -> TrustedRoots:
    return TrustedRoots.of(())


def seen(**facts: str) -> OwnScan:
    named = {what.replace("_", " "): text for what, text in facts.items()}
    return replace(SCANNED, facts={**MODERN, **named})


def test_what_is_seen_as_meant_has_no_difference() -> None:
    """For both policies, and only the suites that the certificate's key can sign for."""
    assert unlike_meant(SCANNED, POLICIES["modern"], ["ECDSA"]) == ()
    both = seen(
        protocols="TLS 1.3 TLS 1.2",
        cipher_suites=f"{MODERN['cipher suites']} TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        " TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    )
    assert unlike_meant(both, POLICIES["intermediate"], ["RSA"]) == ()
    assert len(unlike_meant(both, POLICIES["intermediate"], ["ECDSA"])) == 1


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"protocols": "TLS 1.3 TLS 1.2"}, "protocols: offered and not meant: TLS 1.2"),
        ({"groups": "x25519"}, "groups: meant and not offered: X25519MLKEM768, secp256r1, secp384r1"),
        ({"ALPN": "http/1.1"}, "ALPN: meant and not offered: h2"),
    ],
)
def test_a_difference_is_named(facts: dict[str, str], words: str) -> None:
    """What is too much, and what is missing."""
    assert unlike_meant(seen(**facts), POLICIES["modern"], ["ECDSA"]) == (words,)


def test_what_was_not_certain_differs_from_nothing() -> None:
    """A fact that a scan does not have is no difference and no drift."""
    unsure = replace(SCANNED, facts={})
    assert unlike_meant(unsure, POLICIES["modern"], ["ECDSA"]) == ()
    assert drift(unsure, SCANNED) == ()


def test_drift_is_a_change_that_nobody_made() -> None:
    """Another spec explains every difference."""
    moved = seen(ALPN="h2")
    assert drift(moved, SCANNED) == ("ALPN: h2 http/1.1 before, h2 now",)
    assert drift(replace(moved, spec="2"), SCANNED) == ()
    assert is_worse(replace(SCANNED, letter="B"), SCANNED)
    assert not is_worse(replace(SCANNED, letter="A+"), replace(SCANNED, letter="B"))
    assert not is_worse(replace(SCANNED, letter=None), SCANNED)


class Told:
    """Collects events."""

    def __init__(self) -> None:
        self.events: list[AppEvent] = []

    def __call__(self, event: AppEvent) -> None:
        self.events.append(event)

    def kinds(self) -> list[type]:
        return [type(event) for event in self.events]


def jobs(bench: ServeBench, told: Told) -> Iterator[Job]:
    """Go through a round and make the jobs of its site."""

    async def play() -> list[Job]:
        rounds = bench.rounds()
        scans = OwnScans(bench.dial, bench.clock, bench.store, no_roots)
        return list(scans.jobs(await rounds.reconcile(ONE_SITE), told))

    return iter(asyncio.run(play()))


def test_a_scan_is_kept_and_what_differs_is_told(bench: ServeBench) -> None:
    """The stand-in for the edge speaks more than port443 does; the next scan finds drift."""
    told = Told()
    (job,) = jobs(bench, told)
    place = job.key.removeprefix(f"{SCAN}/")

    async def play() -> None:
        done = await job.run(lambda _: None)
        assert done.next_at == bench.clock.now() + DAILY
        kept = await bench.store.last_scan(place)
        assert kept is not None
        assert kept.facts["protocols"] == "TLS 1.3 TLS 1.2"
        assert told.kinds() == [OwnScanDiffers]
        better = replace(kept, at=kept.at + timedelta(seconds=1), letter="A+", facts={"ALPN": "h2"})
        await bench.store.remember_scan(better)
        bench.clock.advance(minutes=1)
        await job.run(lambda _: None)
        assert set(told.kinds()) == {OwnScanDiffers, OwnScanDrifted, OwnGradeFell}
        assert len(await bench.store.scans(place)) == 3

    asyncio.run(play())


def test_a_change_is_scanned_once_it_has_been_left_alone(bench: ServeBench) -> None:
    """A minute after the start and after each change of a site; one that is gone is not scanned any more."""
    two = desired(site("app.test"), site("b.test"))
    wishes = [ONE_SITE]

    async def play() -> None:
        plane = App(replace(bench.services, roots=no_roots), lambda: wishes[0], FACTS)
        async with plane.running(ONE_SITE):
            first = scans(plane)
            assert first == {"scan/app.test@127.0.0.1:8443": bench.clock.now() + timedelta(minutes=1)}
            bench.clock.advance(minutes=2)
            await plane.run_due()
            assert await bench.store.last_scan("app.test@127.0.0.1:8443")
            daily = scans(plane)["scan/app.test@127.0.0.1:8443"]
            wishes[0] = two
            await plane.reload()
            after = scans(plane)
            assert after["scan/app.test@127.0.0.1:8443"] == daily
            assert after["scan/b.test@127.0.0.1:8443"] == bench.clock.now() + timedelta(minutes=1)
            wishes[0] = ONE_SITE
            await plane.reload()
            assert scans(plane).keys() == first.keys()

    asyncio.run(play())


def scans(plane: App) -> dict[str, object]:
    scheduler = plane._scheduler
    keys = [job.name for job in scheduler.statuses() if job.name.startswith(f"{SCAN}/")]
    return {key: scheduler.next_at(key) for key in keys}
