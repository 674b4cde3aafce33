"""The roots to believe: a file that the user names, else the system's store."""

import ssl
from pathlib import Path

from port443.core.errors import SettingsError
from port443.core.x509.facts import CertFacts, CertificateUnreadable
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificates_in

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD, macOS
)


class RootsUnreadable(SettingsError):
    """The file of roots cannot be used.

    `--cacert` takes a file with one or more certificates in PEM. Without it the system's own bundle is
    read, which the package `ca-certificates` installs.
    """

    code = "P443-E170"


def load_roots(path: Path) -> TrustedRoots:
    """Read every root of a PEM file; one that cannot be read spoils a file that the user chose."""
    try:
        found = certificates_in(path.read_bytes())
        roots = TrustedRoots.of(CertFacts.from_der(der) for der in found)
    except OSError as error:
        raise RootsUnreadable(f"{path} cannot be read: {error.strerror}") from error
    except CertificateUnreadable as error:
        raise RootsUnreadable(f"{path}: {error.message}", "is it a PEM file of certificates?") from error
    if not found:
        raise RootsUnreadable(
            f"{path} holds no certificate", "it should have -----BEGIN CERTIFICATE----- lines"
        )
    return roots


def load_system_roots() -> TrustedRoots:
    """Read the system's roots; those that cannot be read are left out."""
    configured = ssl.get_default_verify_paths().cafile
    for path in filter(None, (configured, *BUNDLES)):
        try:
            found = certificates_in(Path(path).read_bytes())
        except (OSError, CertificateUnreadable):
            continue
        return TrustedRoots.of(_readable(found))
    raise RootsUnreadable(
        "this system has no bundle of roots where they usually are",
        "install ca-certificates, or give a file with --cacert",
    )


def _readable(found: tuple[bytes, ...]) -> list[CertFacts]:
    roots = []
    for der in found:
        try:
            roots.append(CertFacts.from_der(der))
        except CertificateUnreadable:
            continue
    return roots
