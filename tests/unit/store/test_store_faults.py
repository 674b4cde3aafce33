"""What can be wrong with a state directory: each is one clear error."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath

import pytest

from pki import NOW, leaf, root
from port443.adapters.kek_file import KeyEncryptionKeyExposed, KeyEncryptionKeyMissing, WrappedKeyUnreadable
from port443.adapters.sealed_store import SecretUnreadable, WrongKeyEncryptionKey
from port443.adapters.state_directory import StateDirectory
from port443.adapters.state_directory.errors import StateAbsent, StateExposed, StateInUse
from port443.adapters.store_sqlite import SQLiteBackend
from port443.adapters.store_sqlite.errors import DatabaseBusy, DatabaseDamaged, DatabaseNewer
from port443.core.errors import StoreError
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential
from port443.core.plan.hsts import HstsStep
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import pkcs8, read_pkcs8, spki_of
from port443.ports import SealedKey, Store, UnsavedGeneration
from port443.storage_errors import StateFull, StateReadOnly, StateUnusable
from port443.wiring import opened_store

HERE = Path(__file__).parent
SITE, OTHER = "site/a.test", "site/b.test"
CA = root()


def credential(name: str) -> Credential:
    made = leaf(CA, name)
    return Credential((parse_site_name(name),), (made.facts.der,), pkcs8(made.key))


def open_store(state: StateDirectory) -> None:
    with opened_store(state):
        pass


def active_numbers(state: StateDirectory, *lineages: str) -> list[int | None]:
    async def read(store: Store) -> list[int | None]:
        found = [await store.active(lineage) for lineage in lineages]
        return [one.number if one else None for one in found]

    with opened_store(state) as store:
        return asyncio.run(read(store))


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory.prepare(tmp_path / "state")


@pytest.fixture
def filled(state: StateDirectory) -> StateDirectory:
    """Hold two sites with active certificates."""

    async def fill(store: Store) -> None:
        for lineage, name in ((SITE, "a.test"), (OTHER, "b.test")):
            await store.activate(await store.put(lineage, credential(name), NOW), None)

    with opened_store(state) as store:
        asyncio.run(fill(store))
    return state


UNSAVED = UnsavedGeneration(SITE, (), (CA.facts.der,), NOW, lambda _: SealedKey("", b"", b""))


@pytest.fixture
def backend(filled: StateDirectory) -> Iterator[SQLiteBackend]:
    with closing(SQLiteBackend(filled.database, "")) as backend:
        yield backend


def changed(state: StateDirectory, *statements: str) -> None:
    database = sqlite3.connect(state.database)
    with database:
        for statement in statements:
            database.execute(statement)
    database.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_in_it_is_for_its_owner_alone(filled: StateDirectory) -> None:
    """Directory 0700, database and log 0600, key 0400; a published root is for everybody."""
    with opened_store(filled) as store:
        asyncio.run(store.put(SITE, credential("a.test"), NOW))
        assert mode(filled.path) == 0o700
        assert mode(filled.key_encryption_key) == 0o400
        assert {mode(path) for path in filled.path.glob("port443.db*")} == {0o600}
        assert mode(filled.publish("local-ca.pem", b"x")) == 0o644


def test_no_private_key_lies_open(filled: StateDirectory) -> None:
    """Neither the key nor a part of it stands in any file of the directory."""
    with opened_store(filled) as store:
        found = asyncio.run(store.active(SITE))
        assert found
        secret = found.credential.key_pkcs8[40:60]
        for path in filled.path.iterdir():
            assert secret not in path.read_bytes()
        assert "key_pkcs8" not in repr(found)


def test_a_missing_directory_is_told_from_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(StateAbsent, match="no state"):
        StateDirectory.find(tmp_path / "nowhere")
    StateDirectory.prepare(tmp_path / "made")
    with pytest.raises(StateAbsent):
        StateDirectory.find(tmp_path / "made", needs_database=True)


def test_a_directory_open_to_others_is_refused(filled: StateDirectory) -> None:
    """What was exposed is not silently closed: somebody may have looked already."""
    filled.path.chmod(0o750)
    with pytest.raises(StateExposed, match="0750") as refused:
        StateDirectory.prepare(filled.path)
    assert refused.value.hint == f"chmod 700 {filled.path}"


def test_an_empty_directory_is_closed_and_used(tmp_path: Path) -> None:
    """`mkdir state` makes it open to all, and there is nothing in it to see."""
    tmp_path.chmod(0o755)
    assert mode(StateDirectory.prepare(tmp_path).path) == 0o700


def test_a_database_open_to_others_is_refused(filled: StateDirectory) -> None:
    filled.database.chmod(0o644)
    with pytest.raises(StateExposed, match=r"port443\.db"):
        StateDirectory.prepare(filled.path)


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(StateUnusable, match="file"):
        StateDirectory.prepare(place)
    with pytest.raises(StateUnusable):
        StateDirectory.prepare(place / "below")


def test_a_directory_in_place_of_the_database_is_told(state: StateDirectory) -> None:
    state.database.mkdir()
    with pytest.raises(StateUnusable, match=r"port443\.db"):
        SQLiteBackend(state.database, "")


def test_noise_in_place_of_the_database_is_told(filled: StateDirectory) -> None:
    filled.database.write_bytes(b"this is no database, and it is long enough to be looked at" * 100)
    with pytest.raises(DatabaseDamaged):
        open_store(filled)


def test_damaged_pages_are_told(filled: StateDirectory) -> None:
    """Noise in the middle of the file is found when it is opened, not when a site is needed."""
    content = bytearray(filled.database.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = os.urandom(64)
    filled.database.write_bytes(content)
    with pytest.raises(DatabaseDamaged):
        open_store(filled)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE meta SET value = '999' WHERE name = 'schema'", DatabaseNewer),
        ("UPDATE meta SET value = 'x' WHERE name = 'schema'", DatabaseDamaged),
        ("DELETE FROM meta WHERE name = 'kek'", DatabaseDamaged),
        ("DROP TABLE meta", StateUnusable),
        ("PRAGMA application_id = 7", DatabaseDamaged),
    ],
)
def test_a_database_that_is_not_ours_is_told(
    filled: StateDirectory, statement: str, error: type[StoreError]
) -> None:
    """Newer tables, no version, another program's file: each is refused and left as it is."""
    changed(filled, statement)
    with pytest.raises(error):
        open_store(filled)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a directory on a file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "none", str(disk)],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("this user may not mount a file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_too_small_for_a_database_is_called_full(small_disk: Path) -> None:
    """SQLite calls it an input/output error; the hint says what helps, and where to look."""
    state = StateDirectory.prepare(small_disk / "state")
    (small_disk / "rest").write_bytes(bytes(36 * 1024))
    with pytest.raises(StateFull, match=r"port443\.db") as full:
        open_store(state)
    assert full.value.hint.startswith("make room there (df -h shows it)")


def test_a_disk_too_full_for_the_kek_is_called_full(small_disk: Path) -> None:
    """At a first start: it is not called missing, there is no backup of it, and no half of it is left."""
    state = StateDirectory.prepare(small_disk / "state")
    with suppress(OSError):
        (small_disk / "rest").write_bytes(bytes(64 * 1024))
    with pytest.raises(StateFull, match="kek") as full:
        open_store(state)
    assert full.value.hint.startswith("make room there (df -h shows it)")
    assert not list(state.key_encryption_key.parent.glob(".kek*"))


def test_a_full_disk_is_told_and_spoils_nothing(backend: SQLiteBackend) -> None:
    """When no page can be added, the error says so, and what was there is still there."""
    (pages,) = backend._database.execute("PRAGMA page_count").fetchone()
    backend._database.execute(f"PRAGMA max_page_count = {pages}")

    async def put_many() -> None:
        for _ in range(50):
            await backend.put(UNSAVED)

    with pytest.raises(StateFull) as full:
        asyncio.run(put_many())
    assert full.value.retry
    found = asyncio.run(backend.active(SITE))
    assert found
    assert found.number == 1


def test_a_database_that_cannot_be_written_is_told(backend: SQLiteBackend) -> None:
    backend._database.execute("PRAGMA query_only = ON")
    with pytest.raises(StateReadOnly):
        asyncio.run(backend.put(UNSAVED))


def test_a_database_that_others_keep_locked_is_told(backend: SQLiteBackend) -> None:
    """A shell left open in a transaction is named as the cause, after a wait."""
    backend._database.execute("PRAGMA busy_timeout = 20")
    with closing(sqlite3.connect(backend.path)) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            asyncio.run(backend.put(UNSAVED))
    assert asyncio.run(backend.put(UNSAVED)) == 2


def test_a_generation_never_changes(filled: StateDirectory) -> None:
    """The database itself refuses, whoever tries."""
    database = sqlite3.connect(filled.database)
    for change in (
        "UPDATE generation SET names = '[]'",
        "UPDATE generation SET chain = ''",
        "UPDATE generation SET sealed = x''",
        "UPDATE generation SET number = 9",
    ):
        with pytest.raises(sqlite3.IntegrityError, match="never changes"):
            database.execute(change)
    database.close()


def test_a_key_moved_to_another_row_cannot_be_read(filled: StateDirectory) -> None:
    """A secret is bound to its lineage and number: one site's key never serves another."""
    changed(
        filled,
        "DROP TRIGGER generation_never_changes",
        "UPDATE generation SET (wrapped_key, sealed) = (SELECT wrapped_key, sealed FROM generation "
        "WHERE lineage = 'site/b.test') WHERE lineage = 'site/a.test'",
    )
    with pytest.raises(WrappedKeyUnreadable):
        active_numbers(filled, SITE)
    assert active_numbers(filled, OTHER) == [1]


def test_a_damaged_secret_is_told(filled: StateDirectory) -> None:
    changed(filled, "DROP TRIGGER generation_never_changes", "UPDATE generation SET sealed = zeroblob(64)")
    with pytest.raises(SecretUnreadable, match=SITE):
        active_numbers(filled, SITE)


def test_a_chain_that_is_none_is_told(filled: StateDirectory) -> None:
    changed(
        filled,
        "DROP TRIGGER generation_never_changes",
        "UPDATE generation SET chain = '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----'",
    )
    with pytest.raises(DatabaseDamaged, match=SITE):
        active_numbers(filled, SITE)


def test_the_kek_of_another_store_is_refused(filled: StateDirectory, tmp_path: Path) -> None:
    other = StateDirectory.prepare(tmp_path / "other")
    open_store(other)
    other.key_encryption_key.replace(filled.key_encryption_key)
    with pytest.raises(WrongKeyEncryptionKey, match=str(filled.database)):
        open_store(filled)


def test_a_missing_kek_is_never_made_anew(filled: StateDirectory) -> None:
    """A new key would open none of the old secrets, so its absence is told."""
    filled.key_encryption_key.unlink()
    with pytest.raises(KeyEncryptionKeyMissing):
        open_store(filled)
    assert not filled.key_encryption_key.exists()


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda path: path.chmod(0o440), KeyEncryptionKeyExposed),
        (lambda path: (path.chmod(0o600), path.write_bytes(b"short")), KeyEncryptionKeyMissing),
    ],
)
def test_a_kek_that_is_exposed_or_cut_is_refused(
    filled: StateDirectory, spoil: Callable[[Path], object], error: type[StoreError]
) -> None:
    spoil(filled.key_encryption_key)
    with pytest.raises(error):
        open_store(filled)


def test_one_serve_per_directory(state: StateDirectory) -> None:
    """The second is refused by name of the first, with exit code 5; after its end the next gets in."""
    first = state.lock()
    with pytest.raises(StateInUse, match=f"process {os.getpid()}") as refused:
        state.lock()
    assert refused.value.exit_code == 5
    first.release()
    state.lock().release()


def test_names_are_stored_as_people_write_them(filled: StateDirectory) -> None:
    """`sqlite3 port443.db` shows what there is without this program."""
    database = sqlite3.connect(filled.database)
    names, chain = database.execute("SELECT names, chain FROM generation").fetchone()
    database.close()
    assert json.loads(names) == ["a.test"]
    if openssl := shutil.which("openssl"):
        told = subprocess.run(
            [openssl, "x509", "-noout", "-ext", "subjectAltName"],
            input=chain, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "DNS:a.test" in told.stdout


def test_a_database_of_the_first_version_goes_on(state: StateDirectory) -> None:
    """Each key of a database that 0.1.0 wrote fits its certificate, and the next number follows."""
    state.key_encryption_key.write_bytes(bytes(range(32)))
    state.key_encryption_key.chmod(0o400)
    with closing(sqlite3.connect(state.database)) as database:
        database.executescript((HERE / "made_by_0_1_0.sql").read_text())
    state.database.chmod(0o600)

    async def read(store: Store) -> None:
        for lineage in (SITE, "own/b.test", "authority/reserved"):
            found = await store.active(lineage)
            assert found
            assert found.number == 1
            leaf = CertFacts.from_der(found.credential.chain[0])
            assert leaf.spki == spki_of(read_pkcs8(found.credential.key_pkcs8, lineage))
        assert (await store.put(SITE, credential("a.test"), NOW)).number == 3
        assert await store.hsts_memory() == ({"a.test": HstsStep(2, NOW)}, {"b.test": NOW})
        (ca,) = await store.last_client_cas("b.test", PurePosixPath("/etc/ca.pem"))
        assert CertFacts.from_der(ca).is_ca

    with opened_store(state) as store:
        asyncio.run(read(store))
