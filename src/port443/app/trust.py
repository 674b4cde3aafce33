"""Publish the local CA's roots as files, for the clients that should trust them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from port443.app.local_ca import AuthorityKind, LocalCA
from port443.core.errors import CertificateError
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificate_pem, certificates_in
from port443.ports import Generations, PublicFiles

FILE_NAMES: Final[dict[AuthorityKind, str]] = {
    "reserved": "local-ca.pem",
    "any": "local-ca-any.pem",
}


class LocalCAAbsent(CertificateError):
    """There is no local CA yet, or not of the requested kind.

    The root for reserved names is made when a site with such a name is first served; the unconstrained one
    when a site with another name sets `issuer: local`. Until then there is nothing to trust.
    """

    code = "P443-E214"
    fault = "operator"


@dataclass(frozen=True, slots=True)
class PublishedRoot:
    """A root of the local CA, and its file."""

    kind: AuthorityKind
    path: PurePath
    root: CertFacts


async def publish_roots(store: Generations, public_files: PublicFiles) -> tuple[PublishedRoot, ...]:
    """Write the roots that exist, each into its file."""
    return tuple(
        PublishedRoot(kind, public_files.publish(FILE_NAMES[kind], certificate_pem([root.der])), root)
        for kind, root in (await LocalCA(store).roots()).items()
    )


def copied_roots(files: Mapping[str, tuple[PurePath, bytes]]) -> tuple[PublishedRoot, ...]:
    """Return the roots that others have published, from their files by name."""
    return tuple(
        PublishedRoot(kind, path, CertFacts.from_der(octets))
        for kind, name in FILE_NAMES.items()
        if name in files
        for path, content in (files[name],)
        for octets in certificates_in(content)[:1]
    )


def choose(roots: tuple[PublishedRoot, ...], kind: AuthorityKind) -> PublishedRoot:
    """Return the requested root; raises `LocalCAAbsent`."""
    for root in roots:
        if root.kind == kind:
            return root
    if kind == "any":
        raise LocalCAAbsent(
            "there is no unconstrained local CA",
            "it is made for a site with a public name and `issuer: local`",
        )
    other = "; there is one for any name: port443 trust path --unconstrained" if roots else ""
    raise LocalCAAbsent(
        f"there is no local CA for reserved names yet{other}",
        "it is made by the first such site: port443 serve --domain app.localhost --to http://127.0.0.1:9000",
    )
