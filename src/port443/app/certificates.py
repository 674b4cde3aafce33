"""Keep every site in a certificate: made, renewed, or read from its owner's files."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Literal, assert_never

from port443.app.client_cas import ClientAuthorities, ClientRoots
from port443.app.local_ca import AuthorityKind, Issued, LocalCA, is_fit, jitter_of
from port443.app.own_files import OwnCertificates
from port443.core.errors import CertificateError, Port443Error, StoreError
from port443.core.plan.desired import Credential, DesiredSite, LocalIssuer, OwnCertificate
from port443.core.renew.clock import ClockWrong, clock_fault
from port443.core.renew.when import renew_at, retry_pause
from port443.core.x509.facts import CertFacts
from port443.core.x509.local_ca import Authority
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificate_pem
from port443.ports import CertificateFiles, Clock, Store

CertificateEventName = Literal[
    "certificate_issued", "certificate_loaded", "certificate_refused", "certificate_warned"
]


EVER = datetime.min.replace(tzinfo=UTC)


class CertificateNotKept(CertificateError):
    """A certificate could not be made or stored, because the store could not be used.

    The message says why. The site's last certificate, if it has one, goes on being served, and it is
    tried again after a minute, then less and less often, at least once an hour.
    """

    code = "P443-E213"
    fault = "machine"
    retry = True


@dataclass(frozen=True, slots=True)
class CertificateEvent:
    """Something that happened to a site's certificate, told once."""

    name: CertificateEventName
    site: str
    detail: str


@dataclass(slots=True)
class Kept:
    """What one round came to. A site can have both: a fault, and the last good certificate."""

    credentials: dict[str, Credential] = field(default_factory=dict)
    client_roots: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    """DER of the CAs of which a site's clients must show a certificate; none where none could be read."""
    faults: dict[str, CertificateError] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    news: list[CertificateEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Failed:
    """How often in a row a site could not be kept, and when to try again."""

    times: int
    again_at: datetime
    said: str


class CertificateManager:
    """Holds what every site is served with. One `ensure` at a time."""

    def __init__(
        self,
        store: Store,
        files: CertificateFiles,
        clock: Clock,
        *,
        roots: Callable[[], TrustedRoots] = lambda: TrustedRoots.of(()),
        built: datetime = EVER,
    ) -> None:
        """`roots` are those that most clients have: against them an owner's chain is looked at.

        A clock before `built` is wrong: nothing is made, renewed or judged by it.
        """
        self._built = built
        self._store = store
        self._ca = LocalCA(store)
        self._own = OwnCertificates(files, roots)
        self._clients = ClientAuthorities(files)
        self._clock = clock
        self._issued: dict[str, Issued] = {}
        self._failed: dict[str, _Failed] = {}
        self._saved: tuple[Mapping[str, Credential], Mapping[str, ClientRoots]] = {}, {}
        """What the store has been given of owners' files."""

    async def ensure(self, sites: Sequence[DesiredSite]) -> Kept:
        """Return a certificate for each site, making or reading what is missing, due or changed.

        Never raises: what is wrong with one site stands among the faults, and the others are kept.
        """
        self._forget_others(sites)
        now, kept = self._clock.now(), Kept()
        wrong = self.clock_fault()
        round_ = _Round(self._ca, now)
        for site in sites:
            match site.certificate:
                case LocalIssuer() if wrong:
                    await self._fall_back(site, None, kept)
                case LocalIssuer():
                    await self._keep_local(site, site.certificate, round_, kept)
                case OwnCertificate():
                    await self._keep_own(site, site.certificate, None if wrong else now, kept)
                case kind:
                    assert_never(kind)
            await self._ask_clients(site, kept)
            if wrong:
                kept.faults.setdefault(site.id, wrong)
            self._note_outcome(site.id, now, kept)
        return kept

    def clock_fault(self) -> ClockWrong | None:
        """Return what is wrong with the clock, as far as that can be seen."""
        return clock_fault(self._clock.now(), self._built)

    def locked(self, roots: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return the CAs to ask clients for: as long as none is known, one that lets in nobody."""
        return roots or (self._clients.nobody(self._clock.now()),)

    def next_due(self) -> datetime | None:
        """Return when `ensure` has something to do again, files that change apart."""
        renewals = (renew_at(issued.leaf, jitter_of(site)) for site, issued in self._issued.items()
                    if site not in self._failed)  # fmt: skip
        retries = (failed.again_at for failed in self._failed.values())
        ends = (end for site, end in self._own.ends().items() if site not in self._failed)
        return min((*renewals, *retries, *ends), default=None)

    def files_changed(self) -> bool:
        """Whether an owner has changed, replaced or removed a file since `ensure` looked at it."""
        return self._own.have_changed() or self._clients.have_changed()

    async def root_pem(self, kind: AuthorityKind = "reserved") -> bytes | None:
        """Return the local CA's root as PEM; None as long as none was needed."""
        root = (await self._ca.roots()).get(kind)
        return certificate_pem([root.der]) if root else None

    async def _keep_local(self, site: DesiredSite, issuer: LocalIssuer, round_: "_Round", kept: Kept) -> None:
        try:
            authority = await round_.authority("any" if issuer.unconstrained else "reserved")
            known = self._issued.get(site.id)
            if known and is_fit(known.leaf, site, authority.root, round_.now):
                kept.credentials[site.id] = known.credential
                return
            issued = await self._ca.issued(site, authority, round_.now)
        except (CertificateError, StoreError) as error:
            kept.faults[site.id] = _as_certificate_error(error)
            await self._fall_back(site, round_.now, kept)
            return
        self._issued[site.id] = issued
        kept.credentials[site.id] = issued.credential
        if issued.is_new:
            kept.news.append(CertificateEvent("certificate_issued", site.id, _described(issued.leaf)))

    async def _fall_back(self, site: DesiredSite, now: datetime | None, kept: Kept) -> None:
        """Serve what there was, if it is good for the site's names and valid at `now`, when that is known."""
        last = self._issued.get(site.id)
        if last is None:
            try:
                last = await self._ca.last(site)
            except (CertificateError, StoreError):
                return  # that the store fails stands among the faults already
        if last and (now is None or last.leaf.is_valid_at(now)) and all(map(last.leaf.covers, site.names)):
            self._issued[site.id] = last
            kept.credentials[site.id] = last.credential

    async def _keep_own(
        self, site: DesiredSite, own: OwnCertificate, now: datetime | None, kept: Kept
    ) -> None:
        loaded = await self._own.load(site.id, own, site.names, now)
        credential = loaded.credential
        if credential is None and loaded.checked is None:
            credential = await self._saved_before(site, now)
        if credential:
            kept.credentials[site.id] = credential
        if loaded.fault:
            kept.faults[site.id] = loaded.fault
        if loaded.warnings:
            kept.warnings[site.id] = loaded.warnings
        if loaded.is_news and loaded.checked and not loaded.fault:
            kept.news.append(
                CertificateEvent("certificate_loaded", site.id, _described(loaded.checked.chain[0]))
            )
            kept.news += [CertificateEvent("certificate_warned", site.id, text) for text in loaded.warnings]

    async def _ask_clients(self, site: DesiredSite, kept: Kept) -> None:
        """Add whose certificates clients must show."""
        if site.client_ca is None:
            return
        asked = await self._clients.load(site.id, site.client_ca)
        kept.client_roots[site.id] = asked.roots or await self._roots_before(site.id, site.client_ca)
        if asked.fault:
            kept.faults.setdefault(site.id, asked.fault)

    async def save(self, sites: Collection[str]) -> None:
        """Keep in the store what these sites are served with from owners' files, for the next start.

        A file that is bad then must not take away what was good. Raises `StoreError`.
        """
        own = {site: one for site, one in self._own.good().items() if site in sites}
        clients = {site: one for site, one in self._clients.good().items() if site in sites}
        if (own, clients) == self._saved or self.clock_fault():
            return
        credentials = {_own_lineage(site): one for site, one in own.items()}
        cas = {site: (one.path, one.roots) for site, one in clients.items()}
        await self._store.keep_last_good(credentials, cas, self._clock.now())
        self._saved = own, clients

    async def _saved_before(self, site: DesiredSite, now: datetime | None) -> Credential | None:
        """Return what an earlier run served the site with, while it is good for all its names."""
        try:
            found = await self._store.active(_own_lineage(site.id))
        except StoreError:
            return None  # the round meets the same error elsewhere, and tells it
        leaf = CertFacts.from_der(found.credential.chain[0]) if found else None
        is_good = leaf and (now is None or leaf.is_valid_at(now)) and all(map(leaf.covers, site.names))
        return found.credential if found and is_good else None

    async def _roots_before(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that an earlier run read from this file."""
        try:
            return await self._store.last_client_cas(site, path)
        except StoreError:
            return ()

    def _note_outcome(self, site: str, now: datetime, kept: Kept) -> None:
        """Count failures in a row, and tell each once, not every time that it is tried again."""
        fault, last = kept.faults.get(site), self._failed.pop(site, None)
        if fault is None:
            return
        times = last.times + 1 if last else 1
        self._failed[site] = _Failed(times, now + retry_pause(times), fault.message)
        if last is None or last.said != fault.message:
            kept.news.append(CertificateEvent("certificate_refused", site, fault.message))

    def _forget_others(self, sites: Sequence[DesiredSite]) -> None:
        local = {site.id for site in sites if isinstance(site.certificate, LocalIssuer)}
        self._issued = {site: issued for site, issued in self._issued.items() if site in local}
        wanted = frozenset(site.id for site in sites)
        self._failed = {site: failed for site, failed in self._failed.items() if site in wanted}
        self._own.keep_only(wanted - local)
        self._clients.keep_only({site.id for site in sites if site.client_ca})


class _Round:
    """One round's roots: fetched once, for all sites; so is their failure."""

    def __init__(self, ca: LocalCA, now: datetime) -> None:
        self.now = now
        self._ca = ca
        self._found: dict[AuthorityKind, Authority | Port443Error] = {}

    async def authority(self, kind: AuthorityKind) -> Authority:
        if kind not in self._found:
            try:
                self._found[kind] = await self._ca.authority(kind, self.now)
            except (CertificateError, StoreError) as error:
                self._found[kind] = error
        found = self._found[kind]
        if isinstance(found, Port443Error):
            raise found
        return found


def _as_certificate_error(error: Port443Error) -> CertificateError:
    if isinstance(error, CertificateError):
        return error
    told = CertificateNotKept(f"the store cannot be used: {error.message}", error.hint)
    told.__cause__ = error
    return told


def _own_lineage(site: str) -> str:
    return f"own/{site}"


def _described(leaf: CertFacts) -> str:
    names = ", ".join(str(name) for name in leaf.names)
    return f"{names}   {leaf.key}   {leaf.issuer}   ends {leaf.not_after:%Y-%m-%d}"
