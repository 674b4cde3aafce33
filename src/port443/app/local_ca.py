"""Keep the local CA's roots and sign leaves with them, through the store."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec

from port443.core.errors import CertificateError
from port443.core.names import Fingerprint
from port443.core.plan.desired import Credential, DesiredSite
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.when import is_due
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import pkcs8, read_pkcs8, spki_of
from port443.core.x509.local_ca import Authority, LeafOrder, make_root, sign_leaf
from port443.ports import Generation, Generations

AuthorityKind = Literal["reserved", "any"]
KINDS: tuple[AuthorityKind, ...] = ("reserved", "any")
ROOT_RENEWED_BEFORE = timedelta(days=365)
"""A year for everybody to trust the next root. It has the same key, so leaves are good under both."""
JITTER_BITS = 32


class LocalCADamaged(CertificateError):
    """What the store holds as the local CA's root is no root with its key.

    The database was changed by something else than port443. Bring the state directory back from a backup.
    """

    code = "P443-E212"
    fault = "machine"


@dataclass(frozen=True, slots=True)
class Issued:
    """A site's certificate from the local CA."""

    credential: Credential
    leaf: CertFacts
    is_new: bool


class LocalCA:
    """The two roots, each made when it is first needed."""

    def __init__(self, store: Generations) -> None:
        self._store = store

    async def roots(self) -> dict[AuthorityKind, CertFacts]:
        """Return the roots that exist."""
        found = {kind: await self._store.active(_authority_lineage(kind)) for kind in KINDS}
        return {kind: _authority(one).root for kind, one in found.items() if one}

    async def last(self, site: DesiredSite) -> Issued | None:
        """Return what the site was last served with, however old."""
        found = await self._store.active(_site_lineage(site))
        return _issued(found.credential, is_new=False) if found else None

    async def issued(self, site: DesiredSite, authority: Authority, now: datetime) -> Issued:
        """Return the site's certificate: the one that is there, or a new one when it is due or unfit."""

        def fits(credential: Credential) -> bool:
            leaf = CertFacts.from_der(credential.chain[0])
            key = read_pkcs8(credential.key_pkcs8, site.id)
            return leaf.spki == spki_of(key) and is_fit(leaf, site, authority.root, now)

        def make() -> Credential:
            key = ec.generate_private_key(ec.SECP256R1())
            leaf = sign_leaf(authority, LeafOrder(site.names, key.public_key(), now))
            return Credential(site.names, (leaf.der,), pkcs8(key))

        credential, is_new = await self._kept_or_made(_site_lineage(site), fits, make, now)
        return _issued(credential, is_new=is_new)

    async def authority(self, kind: AuthorityKind, now: datetime) -> Authority:
        """Return a root with its key, making it when there is none; near its end, the same key lives on."""
        lineage = _authority_lineage(kind)
        last = await self._store.active(lineage)
        key = _authority(last).key if last else ec.generate_private_key(ec.SECP256R1())

        def fits(credential: Credential) -> bool:
            root = CertFacts.from_der(credential.chain[0])
            # One that is not valid yet was made when the clock was ahead: no client believes it now.
            return root.spki == spki_of(key) and root.not_before <= now < root.not_after - ROOT_RENEWED_BEFORE

        def make() -> Credential:
            root = make_root(key, now, constrained=kind == "reserved")
            return Credential((), (root.der,), pkcs8(key))

        credential, _ = await self._kept_or_made(lineage, fits, make, now)
        return _authority_of(credential, lineage)

    async def _kept_or_made(
        self, lineage: str, fits: Callable[[Credential], bool], make: Callable[[], Credential], now: datetime
    ) -> tuple[Credential, bool]:
        """Return the active generation when it fits; else activate another, and say that it is new."""
        active = await self._store.active(lineage)
        if active and fits(active.credential):
            return active.credential, False
        # One that was put but not activated: the process died in between, or another is just about to.
        spare = await self._store.newest(lineage)
        if not spare or not fits(spare.credential):
            spare = await self._store.put(lineage, make(), now)
        try:
            await self._store.activate(spare, active.number if active else None)
        except GenerationSuperseded:
            winner = await self._store.active(lineage)
            if winner is None or not fits(winner.credential):
                raise
            return winner.credential, True
        return spare.credential, True


def is_fit(leaf: CertFacts, site: DesiredSite, root: CertFacts, now: datetime) -> bool:
    """Whether `leaf` is for just the site's names, from this root, and not yet due to be renewed."""
    return (
        frozenset(leaf.names) == frozenset(site.names)
        and leaf.authority_key_id == root.subject_key_id
        and leaf.issuer_der == root.subject_der
        and not is_due(leaf, now, jitter_of(site.id))
    )


def jitter_of(site_id: str) -> float:
    """Return a number from 0 to 1 that is the site's own, so that sites do not all renew at once."""
    return int(Fingerprint.of(site_id.encode()).text[: JITTER_BITS // 4], 16) / (1 << JITTER_BITS)


def _issued(credential: Credential, *, is_new: bool) -> Issued:
    return Issued(credential, CertFacts.from_der(credential.chain[0]), is_new)


def _authority(generation: Generation) -> Authority:
    return _authority_of(generation.credential, generation.lineage)


def _authority_of(credential: Credential, lineage: str) -> Authority:
    key = read_pkcs8(credential.key_pkcs8, lineage)
    root = CertFacts.from_der(credential.chain[0])
    if not isinstance(key, ec.EllipticCurvePrivateKey) or root.spki != spki_of(key) or not root.is_ca:
        raise LocalCADamaged(f"{lineage} is no root with its key", "bring the state directory back")
    return Authority(root, key)


def _authority_lineage(kind: AuthorityKind) -> str:
    return f"authority/{kind}"


def _site_lineage(site: DesiredSite) -> str:
    return f"site/{site.id}"
