"""The tables, and how an older database becomes a newer one."""

import sqlite3

from port443.adapters.store_sqlite.errors import DatabaseDamaged, DatabaseNewer

VERSION = 1
APPLICATION_ID = 0x50343433
"""`P443`: the application id, which identifies our database among SQLite files."""

# Times are whole seconds since 1970 in UTC. A generation never changes, except that its key may be wrapped
# again under a new key-encryption key; the trigger enforces that.
TABLES = """
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE lineage (
    id TEXT PRIMARY KEY,
    active INTEGER,
    version INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (id, active) REFERENCES generation (lineage, number)
) WITHOUT ROWID;
CREATE TABLE generation (
    lineage TEXT NOT NULL REFERENCES lineage (id),
    number INTEGER NOT NULL CHECK (number > 0),
    names TEXT NOT NULL,
    chain TEXT NOT NULL,
    spki TEXT NOT NULL,
    not_before INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    kek TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (lineage, number)
) WITHOUT ROWID;
CREATE TRIGGER generation_never_changes
BEFORE UPDATE OF lineage, number, names, chain, spki, not_before, not_after, created_at, sealed
ON generation
BEGIN
    SELECT RAISE (ABORT, 'a generation never changes');
END;
CREATE TABLE hsts_step (
    site TEXT PRIMARY KEY,
    step INTEGER NOT NULL CHECK (step >= 0),
    since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE failed_proof (
    site TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;
"""
ADDED = """
CREATE TABLE IF NOT EXISTS client_ca (
    site TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    cas TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job (
    key TEXT PRIMARY KEY,
    spec TEXT NOT NULL,
    next_at INTEGER,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    at INTEGER NOT NULL,
    code TEXT,
    message TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acme_account (
    directory TEXT NOT NULL,
    email TEXT NOT NULL,
    url TEXT,
    eab_key_id TEXT,
    created_at INTEGER NOT NULL,
    kek TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (directory, email)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acme_order (
    lineage TEXT PRIMARY KEY,
    directory TEXT NOT NULL,
    email TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    kek TEXT NOT NULL,
    wrapped_key BLOB NOT NULL,
    sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acme_attempt (
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    directory TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    step TEXT NOT NULL,
    code TEXT,
    message TEXT NOT NULL,
    hint TEXT NOT NULL,
    generation INTEGER,
    facts TEXT NOT NULL,
    PRIMARY KEY (lineage, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS acme_spent (
    directory TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS acme_spent_at ON acme_spent (directory, at);
CREATE TABLE IF NOT EXISTS own_scan (
    place TEXT NOT NULL,
    at INTEGER NOT NULL,
    spec TEXT NOT NULL,
    letter TEXT,
    facts TEXT NOT NULL,
    PRIMARY KEY (place, at)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS renewal_information (
    lineage TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    window_start INTEGER NOT NULL,
    window_end INTEGER NOT NULL,
    explanation TEXT,
    renew_at INTEGER NOT NULL,
    next_poll INTEGER NOT NULL
) WITHOUT ROWID;
"""
"""Tables of later versions, which older programs do not need."""


def bring_up_to_date(database: sqlite3.Connection, kek: str) -> str:
    """Create the tables, or check the existing ones; return the id of their key-encryption key."""
    database.execute("BEGIN IMMEDIATE")
    try:
        if _is_empty(database):
            _create(database, kek)
        for statement in _statements(ADDED):
            database.execute(statement)
        found = dict(database.execute("SELECT name, value FROM meta"))
        _check(database, found)
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return str(found["kek"])


def _is_empty(database: sqlite3.Connection) -> bool:
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    (application,) = database.execute("PRAGMA application_id").fetchone()
    if application not in (0, APPLICATION_ID) or (tables and not application):
        raise DatabaseDamaged(
            "the database belongs to another program", "name another directory with --state"
        )
    return not tables


def _create(database: sqlite3.Connection, kek: str) -> None:
    for statement in _statements(TABLES):
        database.execute(statement)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.executemany("INSERT INTO meta VALUES (?, ?)", [("schema", str(VERSION)), ("kek", kek)])


def _check(database: sqlite3.Connection, found: dict[str, str]) -> None:
    try:
        version = int(found["schema"])
    except (KeyError, ValueError) as error:
        raise DatabaseDamaged("the database has no version") from error
    if version > VERSION:
        raise DatabaseNewer(
            f"the database has tables of version {version}, this port443 supports up to {VERSION}",
            "use the port443 that wrote it",
        )
    if "kek" not in found:
        raise DatabaseDamaged("the database has no id of its key-encryption key")
    (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DatabaseDamaged(f"the database is damaged: {verdict}", "restore it from a backup")


def _statements(script: str) -> list[str]:
    """Part a script: `executescript` would commit the transaction that all of it must be in."""
    found, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            found.append(current)
            current = ""
    return found
