"""Judge the files that settings name, as `serve` will when it reads them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import assert_never

from port443.app.client_cas import ClientAuthorities
from port443.app.own_files import OwnCertificates
from port443.core.errors import CertificateError
from port443.core.plan.desired import Desired, LocalIssuer, OwnCertificate
from port443.core.x509.path import TrustedRoots
from port443.ports import CertificateFiles


@dataclass(frozen=True, slots=True)
class FilesJudged:
    """What `serve` would say of the files behind one setting of a site."""

    site: str
    setting: tuple[str, ...]
    """The setting below the site: `certificate`, `certificate.chain`, `certificate.key` or `client_ca`."""
    fault: CertificateError | None
    warnings: tuple[str, ...] = ()


async def judge_files(
    desired: Desired, files: CertificateFiles, roots: Callable[[], TrustedRoots], now: datetime
) -> AsyncIterator[FilesJudged]:
    """Read every certificate, key and client CA that the sites name."""
    certificates, authorities = OwnCertificates(files, roots), ClientAuthorities(files)
    for site in desired.sites:
        match site.certificate:
            case LocalIssuer():
                pass  # no files
            case OwnCertificate() as own:
                loaded = await certificates.load(site.id, own, site.names, now)
                yield FilesJudged(site.id, _setting(own, loaded.fault), loaded.fault, loaded.warnings)
            case kind:
                assert_never(kind)
        if site.client_ca:
            known = await authorities.load(site.id, site.client_ca)
            yield FilesJudged(site.id, ("client_ca",), known.fault)


def _setting(own: OwnCertificate, fault: CertificateError | None) -> tuple[str, ...]:
    """Return the one of both files that a fault names first; without any it is about the pair."""
    named = {key: fault.message.find(str(path)) for key, path in _paths(own).items()} if fault else {}
    found = {key: at for key, at in named.items() if at >= 0}
    return ("certificate", min(found, key=lambda key: found[key])) if found else ("certificate",)


def _paths(own: OwnCertificate) -> dict[str, PurePath]:
    return {"chain": own.chain, "key": own.key}
