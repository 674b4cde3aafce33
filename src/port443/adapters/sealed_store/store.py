"""The `Store` over a `StorageBackend` that must not see a private key."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import PurePath

from port443.adapters.sealed_store.envelope import seal, unseal
from port443.core.errors import StoreError
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.ports import (
    Generation,
    JobRecord,
    KeyWrapper,
    SealedGeneration,
    StorageBackend,
    UnsavedGeneration,
)


class WrongKeyEncryptionKey(StoreError):
    """The private keys in the store were encrypted under another key-encryption key than the file `kek`.

    Database and key file come from different machines or different times. Put the `kek` that belongs to
    this database beside it, or bring back both from one backup.
    """

    code = "P443-E621"
    fault = "operator"


class SealedStore:
    """Implements `Store`."""

    def __init__(self, backend: StorageBackend, wrapper: KeyWrapper) -> None:
        """Raise `WrongKeyEncryptionKey` when the backend's keys were sealed under another one."""
        if backend.kek != wrapper.id:
            raise WrongKeyEncryptionKey(
                f"{backend.location} was encrypted under the key {backend.kek}, and this is {wrapper.id}",
                "put the kek that belongs to this database beside it",
            )
        self._backend = backend
        self._wrapper = wrapper

    async def active(self, lineage: str) -> Generation | None:
        """Return the generation that counts."""
        return self._opened(await self._backend.active(lineage))

    async def newest(self, lineage: str) -> Generation | None:
        """Return the last one that was put, active or not."""
        return self._opened(await self._backend.newest(lineage))

    async def put(self, lineage: str, credential: Credential, created_at: datetime) -> Generation:
        """Keep another generation, which is not active yet."""
        number = await self._backend.put(self._unsaved(lineage, credential, created_at))
        return Generation(lineage, number, credential, created_at.replace(microsecond=0))

    async def activate(self, generation: Generation, instead_of: int | None) -> None:
        """Move the active pointer, if it still stands where it is believed to."""
        await self._backend.activate(generation.lineage, generation.number, instead_of)

    async def keep_last_good(
        self,
        credentials: Mapping[str, Credential],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
        at: datetime,
    ) -> None:
        """Keep all of it, or nothing."""
        unsaved = [self._unsaved(lineage, credential, at) for lineage, credential in credentials.items()]
        await self._backend.keep_last_good(unsaved, client_cas)

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that were last kept for a site, if they are of this file; else none."""
        return await self._backend.last_client_cas(site, path)

    async def hsts_memory(self) -> tuple[Mapping[str, HstsStep], Mapping[str, datetime]]:
        """Return where each site stands on the HSTS ladder, and when each was last seen served wrongly."""
        return await self._backend.hsts_memory()

    async def remember_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Remember all of it, or nothing; a failed proof that is older than what is known changes nothing."""
        await self._backend.remember_hsts(steps, failed)

    async def job_records(self) -> Mapping[str, JobRecord]:
        """Return where each job stands, by its key."""
        return await self._backend.job_records()

    async def remember_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        """Remember all of it, or nothing; None: the job is forgotten."""
        await self._backend.remember_jobs(records)

    def _unsaved(self, lineage: str, credential: Credential, at: datetime) -> UnsavedGeneration:
        sealed_as = partial(seal, credential.key_pkcs8, lineage, wrapper=self._wrapper)
        return UnsavedGeneration(lineage, credential.names, credential.chain, at, sealed_as)

    def _opened(self, sealed: SealedGeneration | None) -> Generation | None:
        if sealed is None:
            return None
        key = unseal(sealed.key, sealed.lineage, sealed.number, self._wrapper)
        credential = Credential(sealed.names, sealed.chain, key)
        return Generation(sealed.lineage, sealed.number, credential, sealed.created_at)
