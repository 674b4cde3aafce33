"""Trusted roots: a file that the user names, else the system's store."""

import ssl
from pathlib import Path

from port443.core.errors import SettingsError
from port443.core.x509.contents import recognise
from port443.core.x509.facts import CertFacts, CertificateUnreadable
from port443.core.x509.path import TrustedRoots
from port443.core.x509.pem import certificates_in

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, Red Hat
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD, macOS
)


MAX_BYTES = 32 * 1024 * 1024


class RootsUnreadable(SettingsError):
    """The file of roots cannot be used.

    `--cacert` takes a file with one or more certificates in PEM. Without it the system's own bundle is
    read, which the package `ca-certificates` installs.
    """

    code = "P443-E170"


def load_roots(path: Path) -> TrustedRoots:
    """Read every root of a PEM file; one that cannot be read spoils a file that the user chose."""
    try:
        content = _content(path)
        found = certificates_in(content)
        roots = TrustedRoots.of(CertFacts.from_der(der) for der in found)
    except OSError as error:
        hint = "name a PEM file of certificates that this user may read"
        raise RootsUnreadable(f"{path} cannot be read: {error.strerror}", hint) from error
    except CertificateUnreadable as error:
        raise RootsUnreadable(f"{path}: {error.message}", "is it a PEM file of certificates?") from error
    if not found:
        what = recognise(content, path)
        raise RootsUnreadable(f"{path} holds no certificate in PEM: it is {what.what}", what.hint)
    return roots


def _content(path: Path) -> bytes:
    """Read a file that the user named, which may be a pipe, and may have no end."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise RootsUnreadable(f"{path} has more than {MAX_BYTES >> 20} MiB", "is it a file of certificates?")
    return content


class SystemRoots:
    """The system's roots, read on first use, and again only when their file has changed."""

    def __init__(self) -> None:
        self._seen: tuple[str, int, int] | None = None
        self._roots: TrustedRoots | None = None

    def if_any(self) -> TrustedRoots:
        """Return them, or none on a system without any: trust is then not evaluated."""
        try:
            return self()
        except RootsUnreadable:
            return TrustedRoots.of(())

    def __call__(self) -> TrustedRoots:
        """Return them; raises `RootsUnreadable` when this system has none where they usually are."""
        configured = ssl.get_default_verify_paths().cafile
        for path in map(Path, filter(None, (configured, *BUNDLES))):
            try:
                found = path.stat()
                seen = str(path), found.st_mtime_ns, found.st_size
                if self._roots is None or seen != self._seen:
                    self._roots, self._seen = TrustedRoots.of_der(certificates_in(path.read_bytes())), seen
            except (OSError, CertificateUnreadable):
                continue
            return self._roots
        raise RootsUnreadable(
            "this system has no bundle of roots where they usually are",
            "install ca-certificates, or give a file with --cacert",
        )
