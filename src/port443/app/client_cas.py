"""Read which CAs a site's clients must have a certificate of, and again when the file has changed."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath

from cryptography.hazmat.primitives.asymmetric import ec

from port443.core.errors import CertificateError
from port443.core.x509.client_ca import check_client_ca
from port443.core.x509.local_ca import make_root
from port443.ports import CertificateFiles


@dataclass(frozen=True, slots=True)
class ClientRoots:
    """What came of the last look at a site's file."""

    path: PurePath
    stamp: str
    """The state of the file when it was looked at."""
    roots: tuple[bytes, ...]
    """DER of the last ones in this file that were in order, now or before; perhaps none."""
    fault: CertificateError | None


class ClientAuthorities:
    """Remembers the last good CAs of each site, so that a bad file lets in nobody else."""

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._known: dict[str, ClientRoots] = {}
        self._nobody: bytes | None = None

    def keep_only(self, sites: Collection[str]) -> None:
        """Forget all sites but these."""
        self._known = {site: known for site, known in self._known.items() if site in sites}

    def have_changed(self) -> bool:
        """Whether a file is another than when it was last looked at."""
        return any(self._files.stamp(known.path) != known.stamp for known in self._known.values())

    def good(self) -> Mapping[str, ClientRoots]:
        """Return what each site has whose file is in order."""
        return {site: known for site, known in self._known.items() if not known.fault}

    def nobody(self, now: datetime) -> bytes:
        """Return a CA that has signed for nobody and never will: its key is forgotten at once."""
        if self._nobody is None:
            self._nobody = make_root(ec.generate_private_key(ec.SECP256R1()), now, constrained=False).der
        return self._nobody

    async def load(self, site: str, path: PurePath) -> ClientRoots:
        """Return the site's CAs, read anew when its file is another, or was bad."""
        last = self._known.get(site)
        stamp = self._files.stamp(path)  # before reading: a change in between is seen the next time
        if last and (last.path, last.stamp, last.fault) == (path, stamp, None):
            return last
        roots, fault = await asyncio.to_thread(self._check, path)
        known = ClientRoots(path, stamp, roots or (last.roots if last and last.path == path else ()), fault)
        self._known[site] = known
        return known

    def _check(self, path: PurePath) -> tuple[tuple[bytes, ...], CertificateError | None]:
        try:
            return check_client_ca(path, self._files.read(path)), None
        except CertificateError as error:
            return (), error
