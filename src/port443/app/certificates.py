"""What every site needs beside its settings: a certificate from its issuer, and CAs for its clients.

A job for each need keeps it current; a round uses what is there. It must not know how an issuer works.

    missing ── obtained ──► current ── due, or its input changed: obtained again ──► current
     │   ▲                   │   ▲
     │   └─ obtained later   │   └─ obtained later, by a retry
     └──── failed            └───── failed: the last good one is still served, with the fault
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import assert_never

from port443.app.acme_issuer import AcmeIssuer
from port443.app.challenge_answers import ChallengeAnswers
from port443.app.client_cas import ClientCAFiles
from port443.app.local_ca import LocalCA
from port443.app.need_jobs import certificate_job, client_ca_job, stored_certificate_job
from port443.app.own_files import OwnFilesIssuer, own_lineage
from port443.app.scheduler import Done, Job
from port443.app.watched_files import READ_WITHIN_S
from port443.core.control.events import CertificateEvent
from port443.core.errors import CertificateError, Port443Error, StoreError
from port443.core.plan.desired import (
    AcmeCertificate,
    Credential,
    DesiredSite,
    LocalIssuer,
    OwnCertificate,
    SiteNeeds,
)
from port443.core.renew.clock import ClockWrong, clock_fault
from port443.core.x509.facts import CertFacts
from port443.ports import Clock, Issued, Issuer, Progress, Store

EVER = datetime.min.replace(tzinfo=UTC)


class CertificateNotStored(CertificateError):
    """A certificate could not be made or stored, because the store could not be used.

    The message has the reason. The site's last certificate, if it has one, is still served. The job is
    retried after a minute, then less and less often, at least once an hour.
    """

    code = "P443-E213"
    fault = "machine"
    retry = True


@dataclass(frozen=True, slots=True)
class _Certificate:
    """The result of a site's issuer: a credential, a fault, or the last good credential with a fault."""

    credential: Credential | None
    fault: CertificateError | None
    warnings: tuple[str, ...] = ()
    renews_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """The issuers, and the source of client CAs."""

    local_ca: LocalCA
    own_files: OwnFilesIssuer
    client_cas: ClientCAFiles
    acme: AcmeIssuer
    answers: ChallengeAnswers

    @property
    def issuers(self) -> tuple[Issuer, ...]:
        """All issuers that a site's settings can name."""
        return self.local_ca, self.own_files, self.acme

    def issuer(self, site: DesiredSite) -> Issuer:
        """Return the issuer that a site's settings name."""
        match site.certificate:
            case LocalIssuer():
                return self.local_ca
            case OwnCertificate():
                return self.own_files
            case AcmeCertificate():
                return self.acme
            case unknown:
                assert_never(unknown)


class CertificateManager:
    """The credentials and client CAs of all sites, with the jobs that keep them current."""

    def __init__(self, sources: Sources, store: Store, clock: Clock, built: datetime = EVER) -> None:
        """While the clock is before `built` it is wrong: nothing is made, renewed or checked."""
        self._sources = sources
        self._store = store
        self._clock = clock
        self._built = built
        self._certificates: dict[str, _Certificate] = {}
        self._waits_for: dict[str, str] = {}
        """What each site's issuer was at last."""
        self._client_faults: dict[str, CertificateError | None] = {}
        self._client_roots: dict[str, tuple[bytes, ...]] = {}
        self._events: list[CertificateEvent] = []
        self._saved: tuple[Mapping[str, Credential], Mapping[str, object]] = {}, {}
        """What the store has already of operators' files."""

    @property
    def acme(self) -> AcmeIssuer:
        """The issuer that orders from CAs."""
        return self._sources.acme

    @property
    def answers(self) -> ChallengeAnswers:
        """What sites answer to CAs just now."""
        return self._sources.answers

    def clock_fault(self) -> ClockWrong | None:
        """Return the fault of the clock, as far as it can be detected."""
        return clock_fault(self._clock.now(), self._built)

    def jobs(self, sites: Sequence[DesiredSite]) -> list[Job]:
        """Return a job for each need of these sites; what is cached of others is dropped."""
        self._drop_others(sites)
        return [job for site in sites for job in self._jobs_of(site)]

    def changed_files(self) -> frozenset[str]:
        """Return the jobs whose files are in another state than when they were read."""
        return self._sources.own_files.changed_files() | self._sources.client_cas.changed_files()

    def needs(self, sites: Sequence[DesiredSite]) -> dict[str, SiteNeeds]:
        """Return what there is for each site, by its id."""
        return {site.id: self._needs(site) for site in sites}

    def take_events(self) -> tuple[CertificateEvent, ...]:
        """Return the events since the last call."""
        events, self._events = tuple(self._events), []
        return events

    async def save(self, sites: Collection[str]) -> None:
        """Store what these sites are served with from operators' files, for the next start.

        A file that is invalid then does not replace it. Raises `StoreError`.
        """
        own = {site: one for site, one in self._sources.own_files.good().items() if site in sites}
        clients = {site: one for site, one in self._sources.client_cas.good().items() if site in sites}
        if (own, clients) == self._saved or self.clock_fault():
            return
        credentials = {own_lineage(site): one for site, one in own.items()}
        cas = {site: (one.path, one.roots) for site, one in clients.items()}
        await self._store.save_last_good(credentials, cas, self._clock.now())
        self._saved = own, clients

    def _jobs_of(self, site: DesiredSite) -> Iterator[Job]:
        issuer = self._sources.issuer(site)
        if not issuer.is_local:
            yield Job(stored_certificate_job(site.id), partial(self._take_stored, site), is_stored=False)
        yield Job(
            certificate_job(site.id),
            partial(self._bring_certificate, site),
            spec=f"{' '.join(map(str, site.names))} {site.certificate}",
            lane="local" if issuer.is_local else "foreign",
            within_s=issuer.within_s,
            runs_at_start=True,
        )
        if site.client_ca is not None:
            read = partial(self._read_client_cas, site)
            yield Job(client_ca_job(site.id), read, spec=str(site.client_ca), within_s=READ_WITHIN_S)

    async def _bring_certificate(self, site: DesiredSite, progress: Progress) -> Done:
        issuer, now = self._sources.issuer(site), self.clock_fault() or self._clock.now()
        before = self._certificates.get(site.id)

        def report(text: str) -> None:
            self._waits_for[site.id] = text
            progress(text)

        answer = await _obtain(issuer, site, now, report)
        if isinstance(answer, Issued):
            fault: CertificateError | None = now if isinstance(now, ClockWrong) else None
            current = _Certificate(answer.credential, fault, answer.warnings, answer.renews_at)
            self._record_issued(site, answer)
        else:
            fault, current = answer, _Certificate(await issuer.last_good(site, now), answer)
        self._certificates[site.id] = current
        if fault:
            self._record_fault(site.id, fault, before.fault if before else None)
        if isinstance(answer, CertificateError):
            raise answer
        if fault:
            raise fault
        return Done(answer.next_at, _described(answer.leaf), wakes_round=current != before)

    async def _take_stored(self, site: DesiredSite, progress: Progress) -> Done:
        """Have what an issuer gave before, which is served until it gives another one."""
        known = self._certificates.get(site.id)
        if known is None or known.credential is None:
            progress("looking for an earlier certificate")
            now = self.clock_fault() or self._clock.now()
            credential = await self._sources.issuer(site).last_good(site, now)
            self._certificates[site.id] = _Certificate(credential, known.fault if known else None)
        return Done(None, "looked for an earlier certificate")

    async def _read_client_cas(self, site: DesiredSite, progress: Progress) -> Done:
        if site.client_ca is None:
            raise AssertionError("no job reads the client CAs of a site that has none")
        progress(f"reading {site.client_ca}")
        before, told = self._client_roots.get(site.id), self._client_faults.get(site.id)
        loaded = await self._sources.client_cas.load(site.id, site.client_ca)
        self._client_roots[site.id], self._client_faults[site.id] = loaded.roots, loaded.fault
        if loaded.fault:
            self._record_fault(site.id, loaded.fault, told)
            raise loaded.fault
        return Done(None, f"{len(loaded.roots)} CAs", wakes_round=loaded.roots != before)

    def _needs(self, site: DesiredSite) -> SiteNeeds:
        certificate = self._certificates.get(site.id, _Certificate(None, None))
        return SiteNeeds(
            certificate.credential,
            None if site.client_ca is None else self._client_roots.get(site.id, ()),
            answers=self._sources.answers.of(site.id),
            waits_for=self._awaited(site) if certificate.credential is None else None,
            fault=certificate.fault or self._client_faults.get(site.id),
            warnings=certificate.warnings,
            renews_at=certificate.renews_at,
        )

    def _awaited(self, site: DesiredSite) -> str | None:
        """Return what a site's first certificate waits for; None when it is not on order."""
        if not isinstance(site.certificate, AcmeCertificate):
            return None
        cas = " or ".join(ca.name for ca in site.certificate.cas)
        return self._waits_for.get(site.id, f"its first certificate, from {cas}")

    def _record_issued(self, site: DesiredSite, issued: Issued) -> None:
        if not issued.is_new:
            return
        told = _described(issued.leaf)
        if isinstance(site.certificate, OwnCertificate):
            self._events.append(CertificateEvent("certificate_loaded", site.id, told))
        else:
            self._events.append(CertificateEvent("certificate_issued", site.id, told))
        self._events += [CertificateEvent("certificate_warned", site.id, text) for text in issued.warnings]

    def _record_fault(self, site: str, fault: CertificateError, before: CertificateError | None) -> None:
        """Record each fault once, not on every retry."""
        if before is None or before.message != fault.message:
            self._events.append(CertificateEvent("certificate_refused", site, fault.message))

    def _drop_others(self, sites: Sequence[DesiredSite]) -> None:
        wanted = {site.id for site in sites}
        asking = {site.id for site in sites if site.client_ca is not None}
        for issuer in self._sources.issuers:
            issuer.keep_only({site.id for site in sites if self._sources.issuer(site) is issuer})
        self._sources.client_cas.keep_only(asking)
        self._certificates = {site: one for site, one in self._certificates.items() if site in wanted}
        self._waits_for = {site: text for site, text in self._waits_for.items() if site in wanted}
        self._client_roots = {site: one for site, one in self._client_roots.items() if site in asking}
        self._client_faults = {site: one for site, one in self._client_faults.items() if site in asking}


async def _obtain(
    issuer: Issuer, site: DesiredSite, now: datetime | ClockWrong, progress: Progress
) -> Issued | CertificateError:
    try:
        return await issuer.obtain(site, now, progress)
    except (CertificateError, StoreError) as error:
        return _as_certificate_error(error)


def _as_certificate_error(error: Port443Error) -> CertificateError:
    if isinstance(error, CertificateError):
        return error
    wrapped = CertificateNotStored(f"the store cannot be used: {error.message}", error.hint)
    wrapped.__cause__ = error
    return wrapped


def _described(leaf: CertFacts) -> str:
    names = ", ".join(str(name) for name in leaf.names)
    return f"{names}   {leaf.key}   {leaf.issuer}   ends {leaf.not_after:%Y-%m-%d}"
