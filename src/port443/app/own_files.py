"""Load a site's own certificate from its files, and again when they have changed."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from port443.core.contract.snapshot import MAX_NAMES
from port443.core.errors import CertificateError
from port443.core.names import SiteName
from port443.core.plan.desired import Credential, OwnCertificate
from port443.core.x509.facts import CertFacts
from port443.core.x509.own import OwnChecked, OwnFiles, check_own
from port443.core.x509.path import TrustedRoots
from port443.ports import CertificateFiles


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of the last look at a site's files."""

    own: OwnCertificate
    names: tuple[SiteName, ...]
    stamps: tuple[str, str]
    """The state of both files when they were looked at."""
    checked: OwnChecked | None
    """The last pair that was in order, now or before."""
    fault: CertificateError | None
    is_news: bool
    """Whether the files were read anew for another reason than to try once more."""

    @property
    def credential(self) -> Credential | None:
        """What to serve: the last good pair, as long as it is good for all names."""
        if self.checked is None or not all(map(self.checked.chain[0].covers, self.names)):
            return None
        covered = self.checked.chain[0].names
        return Credential(
            # Whatever the leaf covers, so that browsers may use one connection for several sites.
            names=covered if len(covered) <= MAX_NAMES else self.names,
            chain=tuple(one.der for one in self.checked.chain),
            key_pkcs8=self.checked.key_pkcs8,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.checked.warnings if self.checked and not self.fault else ()


class OwnCertificates:
    """Remembers the last good pair of each site, so that a bad one does no harm."""

    def __init__(self, files: CertificateFiles, roots: Callable[[], TrustedRoots]) -> None:
        """`roots` are those that most clients have; asked for only when a chain is looked at."""
        self._files = files
        self._roots = roots
        self._loaded: dict[str, Loaded] = {}

    def keep_only(self, sites: frozenset[str]) -> None:
        """Forget all sites but these."""
        self._loaded = {site: loaded for site, loaded in self._loaded.items() if site in sites}

    def have_changed(self) -> bool:
        """Whether a file is another than when it was last looked at."""
        return any(self._stamps(loaded.own) != loaded.stamps for loaded in self._loaded.values())

    def ends(self) -> Mapping[str, datetime]:
        """Return when each site's certificate ends."""
        return {
            site: loaded.checked.chain[0].not_after
            for site, loaded in self._loaded.items()
            if loaded.checked and not loaded.fault
        }

    def good(self) -> Mapping[str, Credential]:
        """Return what each site is served with whose files are in order."""
        sites = ((site, loaded) for site, loaded in self._loaded.items() if not loaded.fault)
        return {site: credential for site, loaded in sites if (credential := loaded.credential)}

    async def load(
        self, site: str, own: OwnCertificate, names: tuple[SiteName, ...], now: datetime | None
    ) -> Loaded:
        """Return the site's certificate, read anew when its files or names are others, or it was bad.

        Without `now` its dates are not judged.
        """
        last = self._loaded.get(site)
        stamps = self._stamps(own)  # before reading: a change in between is seen the next time
        same = last is not None and (last.own, last.names, last.stamps) == (own, names, stamps)
        if last and same and last.checked and not last.fault and _is_dated(last.checked.chain[0], now):
            loaded = replace(last, is_news=False)
        else:
            checked, fault = await asyncio.to_thread(self._check, own, names, now)
            loaded = Loaded(
                own, names, stamps, checked or (last.checked if last else None), fault,
                is_news=not last or not same or last.fault is not None,
            )  # fmt: skip
        self._loaded[site] = loaded
        return loaded

    def _check(
        self, own: OwnCertificate, names: tuple[SiteName, ...], now: datetime | None
    ) -> tuple[OwnChecked | None, CertificateError | None]:
        try:
            files = OwnFiles(own.chain, self._files.read(own.chain), own.key, self._files.read(own.key))
            checked = check_own(files, names, now, self._roots())
        except CertificateError as error:
            return None, error
        if self._files.is_exposed(own.key):
            warning = f"{own.key}: every user of this machine can read the key"
            return replace(checked, warnings=(*checked.warnings, warning)), None
        return checked, None

    def _stamps(self, own: OwnCertificate) -> tuple[str, str]:
        return self._files.stamp(own.chain), self._files.stamp(own.key)


def _is_dated(leaf: CertFacts, now: datetime | None) -> bool:
    return now is None or leaf.is_valid_at(now)
