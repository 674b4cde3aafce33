"""The local CA, as an issuer: it keeps its roots and leaves in the store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from cryptography.hazmat.primitives.asymmetric import ec

from port443.core.errors import CertificateError, StoreError
from port443.core.plan.desired import Credential, DesiredSite, LocalIssuer
from port443.core.renew.clock import ClockWrong
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.when import is_due, jitter_of, renew_at
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import pkcs8, read_pkcs8, spki_of
from port443.core.x509.local_ca import Authority, LeafOrder, make_root, sign_leaf
from port443.ports import Generation, Generations, Issued, Progress

AuthorityKind = Literal["reserved", "any"]
KINDS: tuple[AuthorityKind, ...] = ("reserved", "any")
ROOT_RENEWED_BEFORE = timedelta(days=365)
"""A year for everybody to trust the next root. It has the same key, so leaves are good under both."""
WITHIN_S = 30.0
"""How long the store and two signatures may take, on a disk that is busy."""


class LocalCADamaged(CertificateError):
    """What the store holds as the local CA's root is no root with its key.

    The database was changed by something else than port443. Restore the state directory from a backup.
    """

    code = "P443-E212"
    fault = "machine"


class LocalCA:
    """Implements `Issuer` with two roots, each made on first use."""

    is_local = True
    within_s = WITHIN_S

    def __init__(self, store: Generations) -> None:
        self._store = store
        self._roots: dict[AuthorityKind, CertFacts] = {}
        self._known: dict[str, Issued] = {}
        self._lock = asyncio.Lock()
        self._asked = 0
        """The number of concurrent calls of `obtain`."""
        self._signers: dict[AuthorityKind, Authority] = {}

    def keep_only(self, sites: Collection[str]) -> None:
        """Drop the cache of all sites but these; their certificates stay in the store."""
        self._known = {site: issued for site, issued in self._known.items() if site in sites}

    async def roots(self) -> dict[AuthorityKind, CertFacts]:
        """Return the roots that exist."""
        found = {kind: await self._store.active(_authority_lineage(kind)) for kind in KINDS}
        return {kind: _authority(one).root for kind, one in found.items() if one}

    async def obtain(self, site: DesiredSite, now: datetime | ClockWrong, progress: Progress) -> Issued:
        """Return the site's certificate: the stored one, or a new one when it is due or unfit."""
        if isinstance(now, ClockWrong):
            raise now
        progress("request to the local CA")
        self._asked += 1
        try:
            return await self._obtain(site, now)
        finally:
            self._asked -= 1
            if not self._asked:
                self._signers.clear()  # a root's key is in memory only while there is something to sign

    async def _obtain(self, site: DesiredSite, now: datetime) -> Issued:
        kind: AuthorityKind = "any" if site.certificate == LocalIssuer(unconstrained=True) else "reserved"
        root = await self._root(kind, now)
        known = self._known.get(site.id)
        if known is None or not is_fit(known.leaf, site, root, now):
            known = await self._issued(site, kind, root, now)
        self._known[site.id] = replace(known, is_new=False)
        return known

    async def last_good(self, site: DesiredSite, now: datetime | ClockWrong) -> Credential | None:
        """Return the stored certificate if it is valid for the site's names, as far as the clock is right."""
        last = self._known.get(site.id)
        if last is None:
            try:
                found = await self._store.active(_site_lineage(site))
            except StoreError:
                return None  # that the store fails is known already
            last = _issued(found.credential, site, is_new=False) if found else None
        is_valid = last and (isinstance(now, ClockWrong) or last.leaf.is_valid_at(now))
        return last.credential if last and is_valid and all(map(last.leaf.covers, site.names)) else None

    async def _root(self, kind: AuthorityKind, now: datetime) -> CertFacts:
        """Return the root to sign with; its key is fetched when there is something to sign."""
        async with self._lock:  # concurrent calls would make two roots
            known = self._roots.get(kind)
            if known is None or not _is_root_fit(known, now):
                known = self._roots[kind] = (await self.authority(kind, now)).root
            return known

    async def _signer(self, kind: AuthorityKind, now: datetime) -> Authority:
        """Return a root with its key; fetched once for all concurrent calls."""
        found = self._signers.get(kind)
        if found is None:
            found = self._signers[kind] = await self.authority(kind, now)
        return found

    async def _issued(self, site: DesiredSite, kind: AuthorityKind, root: CertFacts, now: datetime) -> Issued:
        def fits(credential: Credential) -> bool:
            leaf = CertFacts.from_der(credential.chain[0])
            key = read_pkcs8(credential.key_pkcs8, site.id)
            return leaf.spki == spki_of(key) and is_fit(leaf, site, root, now)

        async def make() -> Credential:
            authority = await self._signer(kind, now)
            key = ec.generate_private_key(ec.SECP256R1())
            leaf = sign_leaf(authority, LeafOrder(site.names, key.public_key(), now))
            return Credential(site.names, (leaf.der,), pkcs8(key))

        credential, is_new = await self._kept_or_made(_site_lineage(site), fits, make, now)
        return _issued(credential, site, is_new=is_new)

    async def authority(self, kind: AuthorityKind, now: datetime) -> Authority:
        """Return a root with its key, making it when there is none; near its end, one with the same key."""
        lineage = _authority_lineage(kind)
        last = await self._store.active(lineage)
        key = _authority(last).key if last else ec.generate_private_key(ec.SECP256R1())

        def fits(credential: Credential) -> bool:
            root = CertFacts.from_der(credential.chain[0])
            return root.spki == spki_of(key) and _is_root_fit(root, now)

        async def make() -> Credential:
            root = make_root(key, now, constrained=kind == "reserved")
            return Credential((), (root.der,), pkcs8(key))

        credential, _ = await self._kept_or_made(lineage, fits, make, now)
        return _authority_of(credential, lineage)

    async def _kept_or_made(
        self,
        lineage: str,
        fits: Callable[[Credential], bool],
        make: Callable[[], Awaitable[Credential]],
        now: datetime,
    ) -> tuple[Credential, bool]:
        """Return the active generation when it fits; else activate another, and report whether it is new."""
        active = await self._store.active(lineage)
        if active and fits(active.credential):
            return active.credential, False
        # One that was put but not activated: the process died in between, or another is just about to.
        spare = await self._store.newest(lineage)
        if not spare or not fits(spare.credential):
            spare = await self._store.put(lineage, await make(), now)
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


def _is_root_fit(root: CertFacts, now: datetime) -> bool:
    # One that is not valid yet was made while the clock was ahead: no client accepts it now.
    return root.not_before <= now < root.not_after - ROOT_RENEWED_BEFORE


def _issued(credential: Credential, site: DesiredSite, *, is_new: bool) -> Issued:
    leaf = CertFacts.from_der(credential.chain[0])
    return Issued(credential, leaf, renew_at(leaf, jitter_of(site.id)), is_new)


def _authority(generation: Generation) -> Authority:
    return _authority_of(generation.credential, generation.lineage)


def _authority_of(credential: Credential, lineage: str) -> Authority:
    key = read_pkcs8(credential.key_pkcs8, lineage)
    root = CertFacts.from_der(credential.chain[0])
    if not isinstance(key, ec.EllipticCurvePrivateKey) or root.spki != spki_of(key) or not root.is_ca:
        raise LocalCADamaged(f"{lineage} is not a root with its key", "restore the state directory")
    return Authority(root, key)


def _authority_lineage(kind: AuthorityKind) -> str:
    return f"authority/{kind}"


def _site_lineage(site: DesiredSite) -> str:
    return f"site/{site.id}"
