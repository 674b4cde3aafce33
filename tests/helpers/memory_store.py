"""A store that forgets when it is dropped: the fake beside the real one, held to the same contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePath

from port443.core.acme.state import OpenOrder
from port443.core.control.own_scan import OwnScan
from port443.core.errors import StoreError
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.renew.information import RenewalInformation
from port443.core.renew.ledger import LONGEST_PERIOD
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.records import AcmeAccount, Attempt, Spent
from port443.ports import KEPT_SCANS, Generation, JobRecord


@dataclass
class MemoryStore:
    """Implements `Store`; with `broken` set, every call raises it."""

    broken: StoreError | None = None
    calls: int = 0
    _generations: dict[str, list[Generation]] = field(default_factory=dict)
    _active: dict[str, int] = field(default_factory=dict)
    _steps: dict[str, HstsStep] = field(default_factory=dict)
    _client_cas: dict[str, tuple[PurePath, tuple[bytes, ...]]] = field(default_factory=dict)
    _scans: dict[str, dict[datetime, OwnScan]] = field(default_factory=dict)
    _jobs: dict[str, JobRecord] = field(default_factory=dict)
    _failed: dict[str, datetime] = field(default_factory=dict)
    _accounts: dict[tuple[str, str], AcmeAccount] = field(default_factory=dict)
    _orders: dict[str, OpenOrder] = field(default_factory=dict)
    _attempts: dict[str, list[Attempt]] = field(default_factory=dict)
    _spent: dict[str, list[Spent]] = field(default_factory=dict)
    _information: dict[str, tuple[int, RenewalInformation]] = field(default_factory=dict)

    async def active(self, lineage: str) -> Generation | None:
        self._called()
        number = self._active.get(lineage)
        return next((one for one in self._of(lineage) if one.number == number), None)

    async def newest(self, lineage: str) -> Generation | None:
        self._called()
        return self._of(lineage)[-1] if self._of(lineage) else None

    async def put(self, lineage: str, credential: Credential, created_at: datetime) -> Generation:
        self._called()
        number = self._of(lineage)[-1].number + 1 if self._of(lineage) else 1
        made = Generation(lineage, number, credential, created_at.replace(microsecond=0))
        self._generations.setdefault(lineage, []).append(made)
        return made

    async def activate(self, generation: Generation, instead_of: int | None) -> None:
        self._called()
        lineage = generation.lineage
        if self._active.get(lineage) != instead_of:
            raise GenerationSuperseded(f"{lineage}: generation {instead_of} is no longer the active one")
        self._active[lineage] = generation.number
        kept = [one for one in self._of(lineage) if one.number >= (instead_of or 0) or one == generation]
        self._generations[lineage] = kept

    async def save_last_good(
        self,
        credentials: Mapping[str, Credential],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
        at: datetime,
    ) -> None:
        self._called()
        calls = self.calls + 1
        for lineage, credential in credentials.items():
            last = await self.active(lineage)
            if last is None or last.credential.chain != credential.chain:
                await self.activate(await self.put(lineage, credential, at), last.number if last else None)
        self._client_cas |= client_cas
        self.calls = calls  # what it did inside is one transaction

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        self._called()
        found, cas = self._client_cas.get(site, (path, ()))
        return cas if found == path else ()

    async def hsts_memory(self) -> tuple[dict[str, HstsStep], dict[str, datetime]]:
        self._called()
        return dict(self._steps), dict(self._failed)

    async def save_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        self._called()
        self._steps |= steps
        self._failed |= {site: max(at, self._failed.get(site, at)) for site, at in failed.items()}

    async def last_scan(self, place: str) -> OwnScan | None:
        return next(iter(await self.scans(place)), None)

    async def scans(self, place: str) -> tuple[OwnScan, ...]:
        self._called()
        found = sorted(self._scans.get(place, {}).items(), reverse=True)
        return tuple(scan for _, scan in found[:KEPT_SCANS])

    async def remember_scan(self, scan: OwnScan) -> None:
        self._called()
        at = scan.at.replace(microsecond=0)
        self._scans.setdefault(scan.place, {})[at] = replace(scan, at=at)

    async def job_records(self) -> dict[str, JobRecord]:
        self._called()
        return dict(self._jobs)

    async def save_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        self._called()
        kept = {key: record for key, record in {**self._jobs, **records}.items() if record}
        self._jobs = {key: replace(one, at=one.at.replace(microsecond=0)) for key, one in kept.items()}

    async def account(self, directory: str, email: str) -> AcmeAccount | None:
        self._called()
        return self._accounts.get((directory, email))

    async def keep_account(self, account: AcmeAccount) -> None:
        self._called()
        self._accounts[account.directory, account.email] = account

    async def open_order(self, lineage: str) -> OpenOrder | None:
        self._called()
        return self._orders.get(lineage)

    async def keep_order(self, order: OpenOrder) -> None:
        self._called()
        self._orders[order.lineage] = order

    async def finish_order(self, lineage: str, credential: Credential, attempt: Attempt) -> Generation:
        self._called()
        made = await self.put(lineage, credential, attempt.ended_at)
        await self.activate(made, self._active.get(lineage))
        await self.note_attempt(lineage, replace(attempt, generation=made.number), closes_order=True)
        self.calls -= 3  # what it did inside is one transaction
        return made

    async def note_attempt(self, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
        self._called()
        if closes_order:
            self._orders.pop(lineage, None)
        noted = [*self._attempts.get(lineage, []), attempt]
        there = {one.number for one in self._of(lineage)}
        self._attempts[lineage] = [one for one in noted[:-50] if one.generation in there] + noted[-50:]

    async def attempts(self, lineage: str) -> tuple[Attempt, ...]:
        self._called()
        return tuple(self._attempts.get(lineage, ()))

    async def note_spent(self, directory: str, spent: Sequence[Spent]) -> None:
        self._called()
        all_ = sorted([*self._spent.get(directory, []), *spent], key=lambda one: one.at)
        self._spent[directory] = [one for one in all_ if one.at >= all_[-1].at - LONGEST_PERIOD]

    async def spent(self, directory: str) -> tuple[Spent, ...]:
        self._called()
        return tuple(self._spent.get(directory, ()))

    async def renewal_information(self, lineage: str, number: int) -> RenewalInformation | None:
        self._called()
        of, known = self._information.get(lineage, (0, None))
        return known if of == number else None

    async def keep_renewal_information(
        self, lineage: str, number: int, information: RenewalInformation
    ) -> None:
        self._called()
        self._information[lineage] = number, information

    def _of(self, lineage: str) -> list[Generation]:
        return self._generations.get(lineage, [])

    def _called(self) -> None:
        self.calls += 1
        if self.broken:
            raise self.broken
