"""Certificates with their encrypted keys, and the observations of sites, in one SQLite file."""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, TypeVar

from port443.adapters.store_sqlite import orders, schema
from port443.adapters.store_sqlite.errors import DatabaseDamaged, database_errors
from port443.adapters.store_sqlite.moments import moment_of, seconds_of
from port443.core.control.own_scan import OwnScan
from port443.core.errors import Port443Error
from port443.core.names import parse_site_name
from port443.core.plan.hsts import HstsStep
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.renew.records import Attempt
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificate_pem, certificates_in
from port443.ports import KEPT_SCANS, JobRecord, SealedGeneration, SealedKey, UnsavedGeneration
from port443.storage_errors import StateUnusable, file_errors

T = TypeVar("T")
BUSY_S = 5.0
FILE_MODE = 0o600
SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a committed transaction survives a power failure
    "PRAGMA secure_delete = ON",  # a deleted key is overwritten, not only unlinked
    "PRAGMA trusted_schema = OFF",
)
COLUMNS = "lineage, number, names, chain, created_at, kek, wrapped_key, sealed"


class SQLiteBackend(orders.OrderTables):
    """Implements `StorageBackend`. One connection, one call at a time, each in a thread: disks take time."""

    def __init__(self, path: Path, kek: str) -> None:
        """Open the database; one that is missing is made for the key-encryption key with the id `kek`."""
        self.path = path
        self._lock = threading.Lock()
        with file_errors(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        with database_errors(path):
            # WAL and shared-memory file get the database's own mode and owner.
            self._database = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        try:
            self.kek = self._set_up(kek)
        except BaseException:
            self._database.close()
            raise

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self.path)

    def close(self) -> None:
        """Close the database; all data is in its one file then."""
        with self._lock, database_errors(self.path):
            self._database.close()

    async def active(self, lineage: str) -> SealedGeneration | None:
        """Return the generation that counts."""
        query = (
            f"SELECT {COLUMNS} FROM generation JOIN lineage ON id = lineage AND active = number WHERE id = ?"  # noqa: S608
        )
        return await self._run(lambda database: self._one(database, query, lineage))

    async def newest(self, lineage: str) -> SealedGeneration | None:
        """Return the last one that was put, active or not."""
        query = f"SELECT {COLUMNS} FROM generation WHERE lineage = ? ORDER BY number DESC LIMIT 1"  # noqa: S608
        return await self._run(lambda database: self._one(database, query, lineage))

    async def put(self, unsaved: UnsavedGeneration) -> int:
        """Keep another generation, which is not active yet; return its number."""
        return await self._run(lambda database: _put(database, unsaved))

    async def activate(self, lineage: str, number: int, instead_of: int | None) -> None:
        """Move the active pointer, if it is still at the expected generation."""
        await self._run(lambda database: _activate(database, lineage, number, instead_of))

    async def finish_order(self, unsaved: UnsavedGeneration, attempt: Attempt) -> int:
        """Put and activate a generation, close its order, note the attempt; return its number."""

        def finish(database: sqlite3.Connection) -> int:
            number = _put(database, unsaved)
            query = "SELECT active FROM lineage WHERE id = ?"
            (active,) = database.execute(query, (unsaved.lineage,)).fetchone()
            _activate(database, unsaved.lineage, number, active)
            noted = replace(attempt, generation=number)
            orders.note_attempt(database, unsaved.lineage, noted, closes_order=True)
            return number

        return await self._run(finish)

    async def save_last_good(
        self,
        unsaved: Sequence[UnsavedGeneration],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
    ) -> None:
        """Keep all of it in one transaction, or nothing."""

        def keep(database: sqlite3.Connection) -> None:
            for one in unsaved:
                _keep(database, one)
            database.executemany(
                "INSERT INTO client_ca VALUES (?, ?, ?) ON CONFLICT (site) DO UPDATE SET path = ?2, cas = ?3",
                [
                    (site, str(path), certificate_pem(cas).decode("ascii"))
                    for site, (path, cas) in client_cas.items()
                ],
            )

        await self._run(keep)

    async def last_client_cas(self, site: str, path: PurePath) -> tuple[bytes, ...]:
        """Return the CAs that were last kept for a site, if they are of this file; else none."""
        row = await self._row("SELECT cas FROM client_ca WHERE site = ? AND path = ?", site, str(path))
        return certificates_in(row[0].encode("ascii")) if row else ()

    async def hsts_memory(self) -> tuple[dict[str, HstsStep], dict[str, datetime]]:
        """Return each site's step of the HSTS rollout, and when a proof of it last failed."""

        def read(database: sqlite3.Connection) -> tuple[dict[str, HstsStep], dict[str, datetime]]:
            steps = database.execute("SELECT site, step, since FROM hsts_step")
            failed = database.execute("SELECT site, at FROM failed_proof")
            return (
                {site: HstsStep(step, moment_of(since)) for site, step, since in steps},
                {site: moment_of(at) for site, at in failed},
            )

        return await self._run(read)

    async def save_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Store all of it, or none; a failed proof older than the stored one changes nothing."""

        def remember(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT INTO hsts_step VALUES (?, ?, ?)"
                " ON CONFLICT (site) DO UPDATE SET step = ?2, since = ?3",
                [(site, step.step, seconds_of(step.since)) for site, step in steps.items()],
            )
            database.executemany(
                "INSERT INTO failed_proof VALUES (?, ?) ON CONFLICT (site) DO UPDATE SET at = max(at, ?2)",
                [(site, seconds_of(at)) for site, at in failed.items()],
            )

        await self._run(remember)

    async def job_records(self) -> dict[str, JobRecord]:
        """Return the state of each job, by its key."""
        query = "SELECT key, spec, next_at, failures, at, code, message FROM job"
        rows = await self._run(lambda database: database.execute(query).fetchall())
        return {
            key: JobRecord(
                spec, None if next_at is None else moment_of(next_at), failures, moment_of(at), code, message
            )
            for key, spec, next_at, failures, at, code, message in rows
        }

    async def save_jobs(self, records: Mapping[str, JobRecord | None]) -> None:
        """Store all of it, or none; None deletes the state of a job."""

        def remember(database: sqlite3.Connection) -> None:
            gone = [(key,) for key, record in records.items() if record is None]
            database.executemany("DELETE FROM job WHERE key = ?", gone)
            database.executemany(
                "INSERT OR REPLACE INTO job VALUES (?, ?, ?, ?, ?, ?, ?)",
                [_job_row(key, record) for key, record in records.items() if record],
            )

        await self._run(remember)

    async def last_scan(self, place: str) -> OwnScan | None:
        """Return the newest scan of a place."""
        found = await self._scans(place, 1)
        return found[0] if found else None

    async def scans(self, place: str) -> tuple[OwnScan, ...]:
        """Return the scans of a place that are kept, the newest first."""
        return await self._scans(place, KEPT_SCANS)

    async def _scans(self, place: str, most: int) -> tuple[OwnScan, ...]:
        query = "SELECT at, spec, letter, facts FROM own_scan WHERE place = ? ORDER BY at DESC LIMIT ?"
        rows = await self._run(lambda database: database.execute(query, (place, most)).fetchall())
        return tuple(
            OwnScan(place, moment_of(at), spec, letter, json.loads(facts)) for at, spec, letter, facts in rows
        )

    async def remember_scan(self, scan: OwnScan) -> None:
        """Keep a scan; of each place the newest `KEPT_SCANS` are kept."""

        def remember(database: sqlite3.Connection) -> None:
            facts = json.dumps(dict(scan.facts), ensure_ascii=False)
            row = (scan.place, seconds_of(scan.at), scan.spec, scan.letter, facts)
            database.execute("INSERT OR REPLACE INTO own_scan VALUES (?, ?, ?, ?, ?)", row)
            kept = "SELECT at FROM own_scan WHERE place = ?1 ORDER BY at DESC LIMIT ?2"
            database.execute(
                f"DELETE FROM own_scan WHERE place = ?1 AND at NOT IN ({kept})",  # noqa: S608 - a text of ours
                (scan.place, KEPT_SCANS),
            )

        await self._run(remember)

    def _set_up(self, kek: str) -> str:
        with database_errors(self.path):
            (mode,) = self._database.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise StateUnusable(f"{self.path}: the file system cannot hold a write-ahead log")
            for setting in SETTINGS:
                self._database.execute(setting)
            return schema.bring_up_to_date(self._database, kek)

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction, in a thread."""

        def locked() -> T:
            with self._lock, database_errors(self.path), _transaction(self._database):
                return work(self._database)

        return await asyncio.to_thread(locked)

    async def _row(self, statement: str, *values: object) -> Any:
        return await self._run(lambda database: database.execute(statement, values).fetchone())

    def _one(self, database: sqlite3.Connection, query: str, lineage: str) -> SealedGeneration | None:
        row = database.execute(query, (lineage,)).fetchone()
        if row is None:
            return None
        lineage, number, names, chain, created_at, kek, wrapped_key, sealed = row
        try:
            hosts = tuple(parse_site_name(name) for name in json.loads(names))
            certificates = certificates_in(chain.encode("ascii"))
        except (Port443Error, ValueError) as error:
            raise DatabaseDamaged(f"{self.path}: generation {number} of {lineage}: {error}") from error
        key = SealedKey(kek, wrapped_key, sealed)
        return SealedGeneration(lineage, number, hosts, certificates, moment_of(created_at), key)


def _put(database: sqlite3.Connection, unsaved: UnsavedGeneration) -> int:
    database.execute("INSERT INTO lineage (id) VALUES (?) ON CONFLICT DO NOTHING", (unsaved.lineage,))
    last = "SELECT coalesce(max(number), 0) FROM generation WHERE lineage = ?"
    number = int(database.execute(last, (unsaved.lineage,)).fetchone()[0]) + 1
    leaf = CertFacts.from_der(unsaved.chain[0])
    key = unsaved.seal(number)
    row = {
        "lineage": unsaved.lineage,
        "number": number,
        "names": json.dumps([str(name) for name in unsaved.names]),
        "chain": certificate_pem(unsaved.chain).decode("ascii"),
        "spki": leaf.spki.text,
        "not_before": seconds_of(leaf.not_before),
        "not_after": seconds_of(leaf.not_after),
        "created_at": seconds_of(unsaved.created_at),
        "kek": key.kek,
        "wrapped_key": key.wrapped_key,
        "sealed": key.content,
    }
    places = ", ".join(f":{column}" for column in row)
    database.execute(f"INSERT INTO generation ({', '.join(row)}) VALUES ({places})", row)  # noqa: S608
    return number


def _keep(database: sqlite3.Connection, unsaved: UnsavedGeneration) -> None:
    query = (
        "SELECT number, chain FROM generation JOIN lineage ON id = lineage AND active = number WHERE id = ?"
    )
    active, chain = database.execute(query, (unsaved.lineage,)).fetchone() or (None, "")
    if chain != certificate_pem(unsaved.chain).decode("ascii"):
        _activate(database, unsaved.lineage, _put(database, unsaved), active)


def _activate(database: sqlite3.Connection, lineage: str, number: int, instead_of: int | None) -> None:
    moved = database.execute(
        "UPDATE lineage SET active = ?, version = version + 1 WHERE id = ? AND active IS ?",
        (number, lineage, instead_of),
    )
    if not moved.rowcount:
        raise GenerationSuperseded(f"{lineage}: generation {instead_of} is no longer the active one")
    # The one before stays, for the way back; those before that have no use but to be stolen.
    database.execute(
        "DELETE FROM generation WHERE lineage = ? AND number < ? AND number <> ?",
        (lineage, instead_of or 0, number),
    )


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        # SQLite has rolled back by itself after a full disk; a second time would hide the first error.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _job_row(key: str, record: JobRecord) -> tuple[str | int | None, ...]:
    next_at = None if record.next_at is None else seconds_of(record.next_at)
    return key, record.spec, next_at, record.failures, seconds_of(record.at), record.code, record.message
