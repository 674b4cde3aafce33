"""Scan our own sites from each listening address: a minute after each change, and daily.

One scan at a time: visitors come first. What differs from what was meant, what drifts without having been
changed, and a lower grade are events; every scan is in the store.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from port443.app.reconcile import RoundResult
from port443.app.scan import ScanOptions, Viewpoint, scan
from port443.app.scheduler import Done, Job
from port443.core.control.events import AppEvent, OwnGradeFell, OwnScanDiffers, OwnScanDrifted
from port443.core.control.own_scan import OwnScan, drift, is_worse, unlike_meant
from port443.core.errors import ScanError
from port443.core.grade.compare import seen_facts
from port443.core.grade.report import Report, ScanTarget
from port443.core.names import parse_site_name
from port443.core.plan.desired import DesiredSite
from port443.core.plan.policies import POLICIES
from port443.core.x509.path import TrustedRoots

if TYPE_CHECKING:
    from port443.ports import Clock, Dial, Progress, ScanMemory

SCAN = "scan"
AFTER_CHANGE = timedelta(minutes=1)
"""Several changes in a row make one scan."""
DAILY, AGAIN = timedelta(days=1), timedelta(minutes=15)
WITHIN_S = 300.0
PLAIN_HTTP = 80
LEFT_OUT = {"certificates", "grade", "HSTS"}
"""What changes by itself: certificates are renewed and proved, and HSTS climbs its ladder."""
KINDS = {"ec": "ECDSA", "rsa": "RSA"}


class OwnScans:
    """Makes the jobs that scan, and judges what they see."""

    def __init__(
        self,
        dial: "Dial",
        clock: "Clock",
        memory: "ScanMemory",
        roots: Callable[[], Awaitable[TrustedRoots]],
    ) -> None:
        """`roots` are those that our clients believe, the local CA's among them."""
        self._dial, self._clock, self._memory, self._roots = dial, clock, memory, roots
        self._turn = asyncio.Lock()

    def jobs(self, round_: RoundResult, tell: Callable[[AppEvent], None]) -> Iterator[Job]:
        """Make a job for each site at each address where it is served."""
        sites = {site.id: site for site in round_.desired.sites}
        asked: set[str] = set()
        for proof in round_.proofs:
            place = f"{proof.site}@{proof.endpoint}"
            site = sites.get(proof.site)
            if site is None or place in asked or proof.verdict != "same":
                continue
            asked.add(place)
            spec = _spec(site)
            target = ScanTarget(parse_site_name(proof.name), proof.endpoint.port, connect=proof.endpoint)
            look = partial(self._look, place, spec, site, target, _plain_port(round_), tell)
            yield Job(f"{SCAN}/{place}", look, spec=spec, lane="foreign", within_s=WITHIN_S)

    async def _look(  # noqa: PLR0913, PLR0917 - what one job is for
        self,
        place: str,
        spec: str,
        site: DesiredSite,
        target: ScanTarget,
        http_port: int,
        tell: Callable[[AppEvent], None],
        progress: "Progress",
    ) -> Done:
        async with self._turn:
            progress("scanning")
            now = self._clock.now()
            view = Viewpoint(await self._roots(), now, roots_are_public=False)
            try:
                report = await scan(self._dial, target, view, ScanOptions(http_port=http_port))
            except ScanError as error:
                return Done(now + AGAIN, f"no scan: {error.message}")
        found = OwnScan(place, now, spec, _letter(report), _facts(report))
        before = await self._memory.last_scan(place)
        await self._memory.remember_scan(found)
        keys = {KINDS[chain.leaf.key.kind] for chain in report.facts.chains if chain.leaf.key.kind in KINDS}
        for event in _events(found, before, unlike_meant(found, POLICIES[site.tls], keys)):
            tell(event)
        return Done(now + DAILY, found.letter or "no grade")


def _events(found: OwnScan, before: OwnScan | None, unlike: tuple[str, ...]) -> Iterator[AppEvent]:
    if unlike:
        yield OwnScanDiffers(found.place, "; ".join(unlike))
    if before is not None:
        changed = drift(found, before)
        if changed:
            yield OwnScanDrifted(found.place, "; ".join(changed))
        if is_worse(found, before):
            yield OwnGradeFell(found.place, str(before.letter), str(found.letter))


def _facts(report: Report) -> dict[str, str]:
    return {what: text for what, text in seen_facts(report).items() if what not in LEFT_OUT}


def _letter(report: Report) -> str | None:
    return None if report.grade.letter is None else report.grade.letter.value


def _spec(site: DesiredSite) -> str:
    """Hash what clients can see of what a site is meant to be."""
    said = (site.id, site.names, site.tls, site.hsts, site.client_ca, site.certificate)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _plain_port(round_: RoundResult) -> int:
    """Return the port of plain HTTP."""
    ports = [one.port for one in round_.desired.http]
    return PLAIN_HTTP if not ports or PLAIN_HTTP in ports else ports[0]


def first_at(now: datetime) -> datetime:
    """Return when a site is scanned that was just changed."""
    return now + AFTER_CHANGE
