"""Check the files that the settings name, as `serve` does when it reads them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import assert_never

from port443.app.acme_accounts import read_external, read_trust
from port443.app.client_cas import read_client_ca
from port443.app.own_files import read_own
from port443.core.errors import CertificateError
from port443.core.plan.desired import (
    AcmeCA,
    AcmeCertificate,
    Desired,
    DesiredSite,
    LocalIssuer,
    OwnCertificate,
)
from port443.core.x509.path import TrustedRoots
from port443.ports import CertificateFiles


@dataclass(frozen=True, slots=True)
class FilesJudged:
    """The result for the files behind one setting of a site."""

    site: str
    setting: tuple[str, ...]
    """The setting below the site: `certificate`, `certificate.chain`, `certificate.key` or `client_ca`."""
    fault: CertificateError | None
    warnings: tuple[str, ...] = ()


def judge_files(
    desired: Desired, files: CertificateFiles, roots: Callable[[], TrustedRoots], now: datetime
) -> Iterator[FilesJudged]:
    """Read every certificate, key and client CA that the sites name."""
    for site in desired.sites:
        match site.certificate:
            case LocalIssuer():
                pass  # no files
            case OwnCertificate() as own:
                yield _judged_own(site, own, files, roots, now)
            case AcmeCertificate(cas=cas):
                yield from (_judged_issuer(site.id, ca, files) for ca in cas if ca.trust or ca.eab)
            case kind:
                assert_never(kind)
        if site.client_ca:
            yield _judged_client_ca(site.id, site.client_ca, files)


def _judged_own(
    site: DesiredSite,
    own: OwnCertificate,
    files: CertificateFiles,
    roots: Callable[[], TrustedRoots],
    now: datetime,
) -> FilesJudged:
    try:
        checked = read_own(files, own, site.names, now, roots)
    except CertificateError as error:
        return FilesJudged(site.id, _setting(own, error), error)
    return FilesJudged(site.id, ("certificate",), None, checked.warnings)


def _judged_issuer(site: str, ca: AcmeCA, files: CertificateFiles) -> FilesJudged:
    """Judge the files of an issuer that a site uses."""
    try:
        if ca.trust:
            read_trust(files, ca.trust)
        if ca.eab:
            read_external(files, ca.eab)
    except CertificateError as error:
        return FilesJudged(site, ("issuer",), error)
    return FilesJudged(site, ("issuer",), None)


def _judged_client_ca(site: str, path: PurePath, files: CertificateFiles) -> FilesJudged:
    try:
        read_client_ca(files, path)
    except CertificateError as error:
        return FilesJudged(site, ("client_ca",), error)
    return FilesJudged(site, ("client_ca",), None)


def _setting(own: OwnCertificate, fault: CertificateError) -> tuple[str, ...]:
    """Return the one of both files that a fault names first; else it is about the pair."""
    named = {key: fault.message.find(str(path)) for key, path in _paths(own).items()}
    found = {key: at for key, at in named.items() if at >= 0}
    return ("certificate", min(found, key=lambda key: found[key])) if found else ("certificate",)


def _paths(own: OwnCertificate) -> dict[str, PurePath]:
    return {"chain": own.chain, "key": own.key}
