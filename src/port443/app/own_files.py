"""Owners' certificates, as an issuer: read from their files, and again when those have changed."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from port443.app.need_jobs import certificate_job
from port443.app.watched_files import READ_WITHIN_S, WatchedFiles
from port443.core.contract.bounds import (
    MAX_NAMES,
)
from port443.core.errors import CertificateError, StoreError
from port443.core.names import SiteName
from port443.core.plan.desired import Credential, DesiredSite, OwnCertificate
from port443.core.renew.clock import ClockWrong
from port443.core.x509.facts import CertFacts
from port443.core.x509.own import OwnChecked, OwnFiles, check_own
from port443.core.x509.path import TrustedRoots
from port443.ports import CertificateFiles, Issued, Progress, Store


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The result of the last read of a site's files."""

    names: tuple[SiteName, ...]
    checked: OwnChecked | None
    """The last pair that was in order, now or before."""
    fault: CertificateError | None

    @property
    def credential(self) -> Credential | None:
        """The pair to serve: the last valid one, as long as it is valid for all names."""
        if self.checked is None or not all(map(self.checked.chain[0].covers, self.names)):
            return None
        covered = self.checked.chain[0].names
        return Credential(
            # All names of the leaf, so that browsers may use one connection for several sites.
            names=covered if len(covered) <= MAX_NAMES else self.names,
            chain=tuple(one.der for one in self.checked.chain),
            key_pkcs8=self.checked.key_pkcs8,
        )


class OwnFilesIssuer:
    """Implements `Issuer`. It keeps the last valid pair of each site, in case the next one is invalid."""

    is_local = True
    within_s = READ_WITHIN_S

    def __init__(
        self,
        files: CertificateFiles,
        store: Store,
        roots: Callable[[], TrustedRoots],
    ) -> None:
        """`roots` are those that most clients have; called only when a chain is checked."""
        self._files = files
        self._watched = WatchedFiles(files)
        self._store = store
        self._roots = roots
        self._loaded: dict[str, _Loaded] = {}

    def keep_only(self, sites: Collection[str]) -> None:
        """Drop the state of all sites but these."""
        self._loaded = {site: loaded for site, loaded in self._loaded.items() if site in sites}
        self._watched.keep_only(set(map(certificate_job, sites)))

    def changed_files(self) -> frozenset[str]:
        """Return the jobs whose files are in another state than when they were read."""
        return self._watched.changed()

    def good(self) -> Mapping[str, Credential]:
        """Return the pair of each site whose files are valid."""
        sites = ((site, loaded) for site, loaded in self._loaded.items() if not loaded.fault)
        return {site: credential for site, loaded in sites if (credential := loaded.credential)}

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        """Return the certificate; files that have changed, or were invalid, are read again."""
        own = _own(site)
        progress(f"reading {own.chain}")
        dated = None if isinstance(now, ClockWrong) else now
        last = self._loaded.get(site.id)
        same = self._watched.note(certificate_job(site.id), (own.chain, own.key))
        same = same and last is not None and last.names == site.names
        if last and same and not last.fault and last.checked and _is_dated(last.checked, dated):
            return _issued(last, is_new=False)
        loaded = await self._load(own, site.names, dated, last)
        self._loaded[site.id] = loaded
        if loaded.fault:
            raise loaded.fault
        # What is read again only for its date is not reported as new.
        return _issued(loaded, is_new=not same or last is None or last.fault is not None)

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> Credential | None:
        """Return the last pair that was in order, also in an earlier run, if it is good for all names.

        One that has ended since is served on and said to have ended, whether or not there was a restart.
        """
        del now
        loaded = self._loaded.get(site.id)
        if loaded and loaded.checked:
            return loaded.credential
        try:
            found = await self._store.active(own_lineage(site.id))
        except StoreError:
            return None  # the round gets and reports the same error
        if found is None:
            return None
        leaf = CertFacts.from_der(found.credential.chain[0])
        return found.credential if all(map(leaf.covers, site.names)) else None

    async def _load(
        self, own: OwnCertificate, names: tuple[SiteName, ...], now: datetime | None, last: _Loaded | None
    ) -> _Loaded:
        try:
            checked = await asyncio.to_thread(read_own, self._files, own, names, now, self._roots)
        except CertificateError as error:
            return _Loaded(names, last.checked if last else None, error)
        return _Loaded(names, checked, None)


def read_own(
    files: CertificateFiles,
    own: OwnCertificate,
    names: tuple[SiteName, ...],
    now: datetime | None,
    roots: Callable[[], TrustedRoots],
) -> OwnChecked:
    """Read and check a pair of files; without `now` its dates are not checked. Raises `CertificateError`."""
    found = OwnFiles(own.chain, files.read(own.chain), own.key, files.read(own.key))
    checked = check_own(found, names, now, roots())
    if not files.is_exposed(own.key):
        return checked
    warning = f"{own.key}: every user of this machine can read the key"
    return OwnChecked(checked.chain, checked.key_pkcs8, (*checked.warnings, warning))


def own_lineage(site: str) -> str:
    """Name the lineage under which the store keeps an owner's certificate."""
    return f"own/{site}"


def _own(site: DesiredSite) -> OwnCertificate:
    if not isinstance(site.certificate, OwnCertificate):
        raise TypeError(f"{site.id} has no certificate files")
    return site.certificate


def _issued(loaded: _Loaded, *, is_new: bool) -> Issued:
    credential, checked = loaded.credential, loaded.checked
    if credential is None or checked is None:
        raise AssertionError("a pair without a fault is good for its names")
    leaf = checked.chain[0]
    return Issued(credential, leaf, leaf.not_after, is_new=is_new, warnings=checked.warnings)


def _is_dated(checked: OwnChecked, now: datetime | None) -> bool:
    return now is None or checked.chain[0].is_valid_at(now)
