"""Certificates with their keys, and what was seen of sites, in one SQLite file."""

import asyncio
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, TypeVar

from port443.adapters.store_sqlite import envelope, schema
from port443.adapters.store_sqlite.directory import FILE_MODE
from port443.adapters.store_sqlite.errors import (
    DatabaseDamaged,
    StateUnusable,
    WrongKeyEncryptionKey,
    told_of_database,
    told_of_files,
)
from port443.core.errors import Port443Error
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.renew.lineage import GenerationSuperseded
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificate_pem, certificates_in
from port443.ports import Generation, KeyWrapper

T = TypeVar("T")
PURPOSE = "private_key"
BUSY_S = 5.0
SETTINGS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # what a call has returned from survives a power cut
    "PRAGMA secure_delete = ON",  # a forgotten key is overwritten, not only unlinked
    "PRAGMA trusted_schema = OFF",
)
COLUMNS = "lineage, number, names, chain, created_at, wrapped_key, sealed"


class SQLiteStore:
    """Implements `Store`. One connection, one call at a time, each in a thread: a commit waits for a disk."""

    def __init__(self, path: Path, wrapper: KeyWrapper) -> None:
        """Open the database, making it when it is missing."""
        self.path = path
        self._wrapper = wrapper
        self._turn = threading.Lock()
        with told_of_files(path):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
        with told_of_database(path):
            # WAL and shared-memory file get the database's own mode and owner.
            self._database = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
        try:
            self._set_up()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the database; what was put is in its one file then."""
        with self._turn, told_of_database(self.path):
            self._database.close()

    async def active(self, lineage: str) -> Generation | None:
        """Return the generation that counts."""
        query = (
            f"SELECT {COLUMNS} FROM generation JOIN lineage ON id = lineage AND active = number WHERE id = ?"  # noqa: S608
        )
        return await self._run(lambda database: self._one(database, query, lineage))

    async def newest(self, lineage: str) -> Generation | None:
        """Return the last one that was put, active or not."""
        query = f"SELECT {COLUMNS} FROM generation WHERE lineage = ? ORDER BY number DESC LIMIT 1"  # noqa: S608
        return await self._run(lambda database: self._one(database, query, lineage))

    async def put(self, lineage: str, credential: Credential, created_at: datetime) -> Generation:
        """Keep another generation, which is not active yet."""
        return await self._run(lambda database: self._put(database, lineage, credential, created_at))

    async def activate(self, generation: Generation, instead_of: int | None) -> None:
        """Move the active pointer, if it still stands where it is believed to."""
        await self._run(lambda database: self._activate(database, generation, instead_of))

    async def keep_last_good(
        self,
        credentials: Mapping[str, Credential],
        client_cas: Mapping[str, tuple[PurePath, tuple[bytes, ...]]],
        at: datetime,
    ) -> None:
        """Keep all of it in one transaction, or nothing."""

        def keep(database: sqlite3.Connection) -> None:
            for lineage, credential in credentials.items():
                self._keep(database, lineage, credential, at)
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
        """Return where each site stands on the HSTS ladder, and when each was last seen served wrongly."""

        def read(database: sqlite3.Connection) -> tuple[dict[str, HstsStep], dict[str, datetime]]:
            steps = database.execute("SELECT site, step, since FROM hsts_step")
            failed = database.execute("SELECT site, at FROM failed_proof")
            return (
                {site: HstsStep(step, _moment(since)) for site, step, since in steps},
                {site: _moment(at) for site, at in failed},
            )

        return await self._run(read)

    async def remember_hsts(self, steps: Mapping[str, HstsStep], failed: Mapping[str, datetime]) -> None:
        """Remember all of it, or nothing; a failed proof that is older than what is known changes nothing."""

        def remember(database: sqlite3.Connection) -> None:
            database.executemany(
                "INSERT INTO hsts_step VALUES (?, ?, ?)"
                " ON CONFLICT (site) DO UPDATE SET step = ?2, since = ?3",
                [(site, step.step, _seconds(step.since)) for site, step in steps.items()],
            )
            database.executemany(
                "INSERT INTO failed_proof VALUES (?, ?) ON CONFLICT (site) DO UPDATE SET at = max(at, ?2)",
                [(site, _seconds(at)) for site, at in failed.items()],
            )

        await self._run(remember)

    def _set_up(self) -> None:
        with told_of_database(self.path):
            (mode,) = self._database.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise StateUnusable(f"{self.path}: the file system cannot hold a write-ahead log")
            for setting in SETTINGS:
                self._database.execute(setting)
            kek = schema.bring_up_to_date(self._database, self._wrapper.id)
        if kek != self._wrapper.id:
            raise WrongKeyEncryptionKey(
                f"{self.path} was encrypted under the key {kek}, and this is {self._wrapper.id}",
                "put the kek that belongs to this database beside it",
            )

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction, in a thread."""

        def in_turn() -> T:
            with self._turn, told_of_database(self.path), _transaction(self._database):
                return work(self._database)

        return await asyncio.to_thread(in_turn)

    async def _row(self, statement: str, *values: object) -> Any:
        return await self._run(lambda database: database.execute(statement, values).fetchone())

    def _one(self, database: sqlite3.Connection, query: str, lineage: str) -> Generation | None:
        row = database.execute(query, (lineage,)).fetchone()
        if row is None:
            return None
        lineage, number, names, chain, created_at, wrapped_key, content = row
        bound_to = envelope.context(lineage, number, PURPOSE)
        key = envelope.unseal(envelope.Sealed(wrapped_key, content), bound_to, self._wrapper)
        try:
            hosts = tuple(parse_site_name(name) for name in json.loads(names))
            credential = Credential(hosts, certificates_in(chain.encode("ascii")), key)
        except (Port443Error, ValueError) as error:
            raise DatabaseDamaged(f"{self.path}: generation {number} of {lineage}: {error}") from error
        return Generation(lineage, number, credential, _moment(created_at))

    def _put(
        self, database: sqlite3.Connection, lineage: str, credential: Credential, created_at: datetime
    ) -> Generation:
        database.execute("INSERT INTO lineage (id) VALUES (?) ON CONFLICT DO NOTHING", (lineage,))
        last = "SELECT coalesce(max(number), 0) FROM generation WHERE lineage = ?"
        number = database.execute(last, (lineage,)).fetchone()[0] + 1
        leaf = CertFacts.from_der(credential.chain[0])
        sealed = envelope.seal(
            credential.key_pkcs8, envelope.context(lineage, number, PURPOSE), self._wrapper
        )
        row = {
            "lineage": lineage,
            "number": number,
            "names": json.dumps([str(name) for name in credential.names]),
            "chain": certificate_pem(credential.chain).decode("ascii"),
            "spki": leaf.spki.text,
            "not_before": _seconds(leaf.not_before),
            "not_after": _seconds(leaf.not_after),
            "created_at": _seconds(created_at),
            "kek": self._wrapper.id,
            "wrapped_key": sealed.wrapped_key,
            "sealed": sealed.content,
        }
        places = ", ".join(f":{column}" for column in row)
        database.execute(f"INSERT INTO generation ({', '.join(row)}) VALUES ({places})", row)  # noqa: S608
        return Generation(lineage, number, credential, _moment(_seconds(created_at)))

    def _keep(self, database: sqlite3.Connection, lineage: str, credential: Credential, at: datetime) -> None:
        query = (
            "SELECT number, chain FROM generation"
            " JOIN lineage ON id = lineage AND active = number WHERE id = ?"
        )
        active, chain = database.execute(query, (lineage,)).fetchone() or (None, "")
        if chain != certificate_pem(credential.chain).decode("ascii"):
            self._activate(database, self._put(database, lineage, credential, at), active)

    def _activate(self, database: sqlite3.Connection, generation: Generation, instead_of: int | None) -> None:
        moved = database.execute(
            "UPDATE lineage SET active = ?, version = version + 1 WHERE id = ? AND active IS ?",
            (generation.number, generation.lineage, instead_of),
        )
        if not moved.rowcount:
            raise GenerationSuperseded(
                f"{generation.lineage}: generation {instead_of} is no longer the active one"
            )
        # The one before stays, for the way back; those before that have no use but to be stolen.
        database.execute(
            "DELETE FROM generation WHERE lineage = ? AND number < ? AND number <> ?",
            (generation.lineage, instead_of or 0, generation.number),
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


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
