"""The `Store` over a `StorageBackend` that must not see a private key."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import PurePath

from port443.adapters.sealed_store.envelope import seal, unseal
from port443.core.acme.state import OpenOrder
from port443.core.control.own_scan import OwnScan
from port443.core.errors import StoreError
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.renew.information import RenewalInformation
from port443.core.renew.records import AcmeAccount, Attempt, Spent
from port443.ports import (
    Generation,
    JobRecord,
    KeyWrapper,
    SealedAccount,
    SealedGeneration,
    SealedOrder,
    StorageBackend,
    UnsavedGeneration,
)


class WrongKeyEncryptionKey(StoreError):
    """The private keys in the store were encrypted under another key-encryption key than the file `kek`.

    Database and key file come from different machines or different times. Put the `kek` that belongs to
    this database beside it, or restore both from one backup.
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
        """Move the active pointer, if it is still at the expected generation."""
        await self._backend.activate(generation.lineage, generation.number, instead_of)

    async def save_last_good(
        self,
        credentials: Mapping[str, Credential],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
        at: datetime,
    ) -> None:
        """Keep all of it, or nothing."""
        unsaved = [self._unsaved(lineage, credential, at) for lineage, credential in credentials.items()]
        await self._backend.save_last_good(unsaved, client_cas)

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that were last kept for a site, if they are of this file; else none."""
        return await self._backend.last_client_cas(site, path)

    async def hsts_memory(self) -> tuple[Mapping[str, HstsStep], Mapping[str, datetime]]:
        """Return each site's step of the HSTS rollout, and when a proof of it last failed."""
        return await self._backend.hsts_memory()

    async def save_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Store all of it, or none; a failed proof older than the stored one changes nothing."""
        await self._backend.save_hsts(steps, failed)

    async def job_records(self) -> Mapping[str, JobRecord]:
        """Return the state of each job, by its key."""
        return await self._backend.job_records()

    async def save_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        """Store all of it, or none; None deletes the state of a job."""
        await self._backend.save_jobs(records)

    async def last_scan(self, place: str) -> OwnScan | None:
        return await self._backend.last_scan(place)

    async def scans(self, place: str) -> Sequence[OwnScan]:
        return await self._backend.scans(place)

    async def remember_scan(self, scan: OwnScan) -> None:
        await self._backend.remember_scan(scan)

    async def account(self, directory: str, email: str) -> AcmeAccount | None:
        """Return the account at a CA, if one was kept."""
        kept = await self._backend.account(directory, email)
        if kept is None:
            return None
        key = unseal(kept.key, _account(directory, email), 1, self._wrapper)
        return AcmeAccount(directory, email, kept.url, key, kept.eab_key_id, kept.created_at)

    async def keep_account(self, account: AcmeAccount) -> None:
        """Keep an account in place of the one of the same directory and e-mail address."""
        directory, email = account.directory, account.email
        key = seal(account.key_pkcs8, _account(directory, email), 1, self._wrapper)
        await self._backend.keep_account(
            SealedAccount(directory, email, account.url, account.eab_key_id, account.created_at, key)
        )

    async def open_order(self, lineage: str) -> OpenOrder | None:
        """Return the order of a lineage that is under way."""
        kept = await self._backend.open_order(lineage)
        if kept is None:
            return None
        key = unseal(kept.key, _order(lineage), 1, self._wrapper)
        return OpenOrder(lineage, kept.directory, kept.email, kept.state, key, kept.created_at)

    async def keep_order(self, order: OpenOrder) -> None:
        """Keep where an order stands; a lineage has one, and another takes its place."""
        key = seal(order.key_pkcs8, _order(order.lineage), 1, self._wrapper)
        await self._backend.keep_order(
            SealedOrder(order.lineage, order.directory, order.email, order.state, order.created_at, key)
        )

    async def finish_order(self, lineage: str, credential: Credential, attempt: Attempt) -> Generation:
        """Keep what an order brought as the active generation, close the order and note the attempt."""
        at = attempt.ended_at
        number = await self._backend.finish_order(self._unsaved(lineage, credential, at), attempt)
        return Generation(lineage, number, credential, at.replace(microsecond=0))

    async def note_attempt(self, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
        """Note an attempt that brought nothing, and close the order of its lineage or let it go on."""
        await self._backend.note_attempt(lineage, attempt, closes_order=closes_order)

    async def attempts(self, lineage: str) -> tuple[Attempt, ...]:
        """Return the attempts of a lineage that are still remembered, the oldest first."""
        return await self._backend.attempts(lineage)

    async def note_spent(self, directory: str, spent: Sequence[Spent]) -> None:
        """Note what a CA has counted."""
        await self._backend.note_spent(directory, spent)

    async def spent(self, directory: str) -> tuple[Spent, ...]:
        """Return what a CA has counted of late."""
        return await self._backend.spent(directory)

    async def renewal_information(self, lineage: str, number: int) -> RenewalInformation | None:
        """Return what the CA said of a generation's renewal."""
        return await self._backend.renewal_information(lineage, number)

    async def keep_renewal_information(
        self, lineage: str, number: int, information: RenewalInformation
    ) -> None:
        """Keep what the CA said of a generation's renewal."""
        await self._backend.keep_renewal_information(lineage, number, information)

    def _unsaved(self, lineage: str, credential: Credential, at: datetime) -> UnsavedGeneration:
        sealed_as = partial(seal, credential.key_pkcs8, lineage, wrapper=self._wrapper)
        return UnsavedGeneration(lineage, credential.names, credential.chain, at, sealed_as)

    def _opened(self, sealed: SealedGeneration | None) -> Generation | None:
        if sealed is None:
            return None
        key = unseal(sealed.key, sealed.lineage, sealed.number, self._wrapper)
        credential = Credential(sealed.names, sealed.chain, key)
        return Generation(sealed.lineage, sealed.number, credential, sealed.created_at)


def _account(directory: str, email: str) -> str:
    """Name what an account's key is bound to."""
    return f"acme_account/{email}/{directory}"


def _order(lineage: str) -> str:
    """Name what the key of an order's certificate is bound to."""
    return f"acme_order/{lineage}"
