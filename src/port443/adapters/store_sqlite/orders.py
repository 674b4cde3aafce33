"""The tables of accounts, open orders and attempts at CAs, and of what counts against their limits."""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypeVar

from port443.adapters.store_sqlite.moments import moment_of, seconds_of
from port443.core.acme.state import OrderState
from port443.core.renew.information import RenewalInformation, RenewalWindow
from port443.core.renew.ledger import LONGEST_PERIOD
from port443.core.renew.records import Attempt, Spent
from port443.ports import SealedAccount, SealedKey, SealedOrder

T = TypeVar("T")
ATTEMPTS_KEPT = 50
"""Of each lineage, besides those that brought the generations that it still has."""
ATTEMPT = "directory, started_at, ended_at, reason, step, code, message, hint, generation, facts"


class OrderTables(ABC):
    """Accounts, orders and attempts at CAs. Implements `OrderMemory`, with sealed keys."""

    @abstractmethod
    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction."""

    async def account(self, directory: str, email: str) -> SealedAccount | None:
        """Return the account at a CA."""
        query = "SELECT * FROM acme_account WHERE directory = ? AND email = ?"
        row = await self._run(lambda database: database.execute(query, (directory, email)).fetchone())
        if row is None:
            return None
        directory, email, url, eab_key_id, created_at, *key = row
        return SealedAccount(directory, email, url, eab_key_id, moment_of(created_at), SealedKey(*key))

    async def keep_account(self, account: SealedAccount) -> None:
        """Keep an account in place of the one of the same directory and e-mail address."""
        row = (account.directory, account.email, account.url, account.eab_key_id,
               seconds_of(account.created_at), *_columns(account.key))  # fmt: skip
        await self._write("INSERT OR REPLACE INTO acme_account VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    async def open_order(self, lineage: str) -> SealedOrder | None:
        """Return the order of a lineage that is under way."""
        query = "SELECT * FROM acme_order WHERE lineage = ?"
        row = await self._run(lambda database: database.execute(query, (lineage,)).fetchone())
        if row is None:
            return None
        lineage, directory, email, text, created_at, *key = row
        state = OrderState.from_json(json.loads(text))
        return SealedOrder(lineage, directory, email, state, moment_of(created_at), SealedKey(*key))

    async def keep_order(self, order: SealedOrder) -> None:
        """Keep where an order stands, in place of what was kept of its lineage."""
        row = (order.lineage, order.directory, order.email, json.dumps(order.state.to_json()),
               seconds_of(order.created_at), *_columns(order.key))  # fmt: skip
        await self._write("INSERT OR REPLACE INTO acme_order VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    async def note_attempt(self, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
        """Note an attempt that brought nothing, and close the order of its lineage or let it go on."""
        await self._run(lambda database: note_attempt(database, lineage, attempt, closes_order=closes_order))

    async def attempts(self, lineage: str) -> tuple[Attempt, ...]:
        """Return the attempts of a lineage that are still remembered, the oldest first."""
        query = f"SELECT {ATTEMPT} FROM acme_attempt WHERE lineage = ? ORDER BY number"  # noqa: S608
        rows = await self._run(lambda database: database.execute(query, (lineage,)).fetchall())
        return tuple(
            Attempt(
                directory,
                moment_of(started_at),
                moment_of(ended_at),
                reason,
                step,
                code,
                message,
                hint,
                generation,
                json.loads(facts),
            )
            for directory, started_at, ended_at, reason, step, code, message, hint, generation, facts in rows
        )

    async def note_spent(self, directory: str, spent: Sequence[Spent]) -> None:
        """Note what a CA has counted; what is older than any limit looks back is forgotten."""

        def note(database: sqlite3.Connection) -> None:
            rows = [(directory, one.kind, one.subject, seconds_of(one.at)) for one in spent]
            database.executemany("INSERT INTO acme_spent VALUES (?, ?, ?, ?)", rows)
            oldest = max((at for *_, at in rows), default=0) - int(LONGEST_PERIOD.total_seconds())
            database.execute("DELETE FROM acme_spent WHERE directory = ? AND at < ?", (directory, oldest))

        await self._run(note)

    async def spent(self, directory: str) -> tuple[Spent, ...]:
        """Return what a CA has counted of late."""
        query = "SELECT kind, subject, at FROM acme_spent WHERE directory = ? ORDER BY at, rowid"
        rows = await self._run(lambda database: database.execute(query, (directory,)).fetchall())
        return tuple(Spent(kind, subject, moment_of(at)) for kind, subject, at in rows)

    async def renewal_information(self, lineage: str, number: int) -> RenewalInformation | None:
        """Return what the CA said of a generation's renewal."""
        query = "SELECT * FROM renewal_information WHERE lineage = ? AND number = ?"
        row = await self._run(lambda database: database.execute(query, (lineage, number)).fetchone())
        if row is None:
            return None
        _, _, start, end, explanation, renew_at, next_poll = row
        window = RenewalWindow(moment_of(start), moment_of(end), explanation)
        return RenewalInformation(window, moment_of(renew_at), moment_of(next_poll))

    async def keep_renewal_information(
        self, lineage: str, number: int, information: RenewalInformation
    ) -> None:
        """Keep what the CA said of a generation's renewal."""
        window = information.window
        row = (lineage, number, seconds_of(window.start), seconds_of(window.end), window.explanation,
               seconds_of(information.renew_at), seconds_of(information.next_poll))  # fmt: skip
        await self._write("INSERT OR REPLACE INTO renewal_information VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    async def _write(self, statement: str, row: tuple[object, ...]) -> None:
        await self._run(lambda database: database.execute(statement, row) and None)


def note_attempt(database: sqlite3.Connection, lineage: str, attempt: Attempt, *, closes_order: bool) -> None:
    """Note an attempt behind the others of its lineage, and perhaps close the order."""
    if closes_order:
        database.execute("DELETE FROM acme_order WHERE lineage = ?", (lineage,))
    last = "SELECT coalesce(max(number), 0) FROM acme_attempt WHERE lineage = ?"
    number = int(database.execute(last, (lineage,)).fetchone()[0]) + 1
    row = (lineage, number, attempt.directory, seconds_of(attempt.started_at), seconds_of(attempt.ended_at),
           attempt.reason, attempt.step, attempt.code, attempt.message, attempt.hint, attempt.generation,
           json.dumps(dict(attempt.facts)))  # fmt: skip
    database.execute("INSERT INTO acme_attempt VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    database.execute(
        "DELETE FROM acme_attempt WHERE lineage = ?1 AND number <= ?2 AND (generation IS NULL"
        " OR generation NOT IN (SELECT number FROM generation WHERE lineage = ?1))",
        (lineage, number - ATTEMPTS_KEPT),
    )


def _columns(key: SealedKey) -> tuple[str, bytes, bytes]:
    return key.kek, key.wrapped_key, key.content
