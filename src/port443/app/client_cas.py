"""Which CAs a site's clients must have a certificate of: read from a file, and again when it has changed."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from port443.app.need_jobs import client_ca_job
from port443.app.watched_files import WatchedFiles
from port443.core.errors import CertificateError, StoreError
from port443.core.x509.client_ca import check_client_ca
from port443.ports import CertificateFiles, Store


@dataclass(frozen=True, slots=True)
class ClientCAs:
    """The result of the last read of a site's file."""

    path: PurePath
    roots: tuple[bytes, ...]
    """DER of the last ones in this file that were in order, now or before; perhaps none."""
    fault: CertificateError | None


class ClientCAFiles:
    """Keeps the last valid CAs of each site, so that an invalid file does not lock clients out."""

    def __init__(self, files: CertificateFiles, store: Store) -> None:
        self._files = files
        self._watched = WatchedFiles(files)
        self._store = store
        self._known: dict[str, ClientCAs] = {}

    def keep_only(self, sites: Collection[str]) -> None:
        """Drop the state of all sites but these."""
        self._known = {site: known for site, known in self._known.items() if site in sites}
        self._watched.keep_only(set(map(client_ca_job, sites)))

    def changed_files(self) -> frozenset[str]:
        """Return the jobs whose files are in another state than when they were read."""
        return self._watched.changed()

    def good(self) -> Mapping[str, ClientCAs]:
        """Return the content for each site whose file is valid."""
        return {site: known for site, known in self._known.items() if not known.fault}

    async def load(self, site: str, path: PurePath) -> ClientCAs:
        """Return the site's CAs; a file that has changed, or was invalid, is read again."""
        last = self._known.get(site)
        same = self._watched.note(client_ca_job(site), (path,))
        if last and same and not last.fault:
            return last
        try:
            roots = await asyncio.to_thread(read_client_ca, self._files, path)
            known = ClientCAs(path, roots, None)
        except CertificateError as error:
            before = last.roots if last and last.path == path else ()
            known = ClientCAs(path, before or await self._of_earlier_run(site, path), error)
        self._known[site] = known
        return known

    async def _of_earlier_run(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        try:
            return await self._store.last_client_cas(site, path)
        except StoreError:
            return ()


def read_client_ca(files: CertificateFiles, path: PurePath) -> tuple[bytes, ...]:
    """Read and check a file of client CAs; raises `CertificateError`."""
    return check_client_ca(path, files.read(path))
