"""What can be wrong with a state directory: each is one clear error."""

import asyncio
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pki import NOW, leaf, root
from port443.adapters.kek_file import (
    FileKeyWrapper,
    KeyEncryptionKeyExposed,
    KeyEncryptionKeyMissing,
    WrappedKeyUnreadable,
)
from port443.adapters.store_sqlite import SQLiteStore, StateDirectory, errors
from port443.core.errors import StoreError
from port443.core.names import parse_site_name
from port443.core.plan.desired import Credential
from port443.core.x509.keys import pkcs8

SITE, OTHER = "site/a.test", "site/b.test"
CA = root()


def credential(name: str) -> Credential:
    made = leaf(CA, name)
    return Credential((parse_site_name(name),), (made.facts.der,), pkcs8(made.key))


def opened(state: StateDirectory) -> SQLiteStore:
    may_create = not state.database.exists()
    return SQLiteStore(state.database, FileKeyWrapper.open(state.key_encryption_key, may_create=may_create))


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory.prepare(tmp_path / "state")


@pytest.fixture
def filled(state: StateDirectory) -> StateDirectory:
    """Hold two sites with active certificates."""

    async def fill(store: SQLiteStore) -> None:
        for lineage, name in ((SITE, "a.test"), (OTHER, "b.test")):
            await store.activate(await store.put(lineage, credential(name), NOW), None)

    store = opened(state)
    asyncio.run(fill(store))
    store.close()
    return state


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
    store = opened(filled)
    asyncio.run(store.put(SITE, credential("a.test"), NOW))
    assert mode(filled.path) == 0o700
    assert mode(filled.key_encryption_key) == 0o400
    assert {mode(path) for path in filled.path.glob("port443.db*")} == {0o600}
    assert mode(filled.publish("local-ca.pem", b"x")) == 0o644
    store.close()


def test_no_private_key_lies_open(filled: StateDirectory) -> None:
    """Neither the key nor a part of it stands in any file of the directory."""
    store = opened(filled)
    found = asyncio.run(store.active(SITE))
    assert found
    secret = found.credential.key_pkcs8[40:60]
    for path in filled.path.iterdir():
        assert secret not in path.read_bytes()
    assert "key_pkcs8" not in repr(found)
    store.close()


def test_a_missing_directory_is_told_from_an_empty_store(tmp_path: Path) -> None:
    with pytest.raises(errors.StateAbsent, match="no state"):
        StateDirectory.find(tmp_path / "nowhere")
    StateDirectory.prepare(tmp_path / "made")
    with pytest.raises(errors.StateAbsent):
        StateDirectory.find(tmp_path / "made", needs_database=True)


def test_a_directory_open_to_others_is_refused(filled: StateDirectory) -> None:
    """What was exposed is not silently closed: somebody may have looked already."""
    filled.path.chmod(0o750)
    with pytest.raises(errors.StateExposed, match="0750") as refused:
        StateDirectory.prepare(filled.path)
    assert refused.value.hint == f"chmod 700 {filled.path}"


def test_an_empty_directory_is_closed_and_used(tmp_path: Path) -> None:
    """`mkdir state` makes it open to all, and there is nothing in it to see."""
    tmp_path.chmod(0o755)
    assert mode(StateDirectory.prepare(tmp_path).path) == 0o700


def test_a_database_open_to_others_is_refused(filled: StateDirectory) -> None:
    filled.database.chmod(0o644)
    with pytest.raises(errors.StateExposed, match=r"port443\.db"):
        StateDirectory.prepare(filled.path)


def test_a_file_in_place_of_the_directory_is_told(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(errors.StateUnusable, match="file"):
        StateDirectory.prepare(place)
    with pytest.raises(errors.StateUnusable):
        StateDirectory.prepare(place / "below")


def test_a_directory_in_place_of_the_database_is_told(state: StateDirectory) -> None:
    state.database.mkdir()
    with pytest.raises(errors.StateUnusable, match=r"port443\.db"):
        SQLiteStore(state.database, FileKeyWrapper(b"k" * 32))


def test_noise_in_place_of_the_database_is_told(filled: StateDirectory) -> None:
    filled.database.write_bytes(b"this is no database, and it is long enough to be looked at" * 100)
    with pytest.raises(errors.DatabaseDamaged):
        opened(filled)


def test_damaged_pages_are_told(filled: StateDirectory) -> None:
    """Noise in the middle of the file is found when it is opened, not when a site is needed."""
    content = bytearray(filled.database.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = os.urandom(64)
    filled.database.write_bytes(content)
    with pytest.raises(errors.DatabaseDamaged):
        opened(filled)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE meta SET value = '999' WHERE name = 'schema'", errors.DatabaseNewer),
        ("UPDATE meta SET value = 'x' WHERE name = 'schema'", errors.DatabaseDamaged),
        ("DELETE FROM meta WHERE name = 'kek'", errors.DatabaseDamaged),
        ("DROP TABLE meta", errors.StateUnusable),
        ("PRAGMA application_id = 7", errors.DatabaseDamaged),
    ],
)
def test_a_database_that_is_not_ours_is_told(
    filled: StateDirectory, statement: str, error: type[StoreError]
) -> None:
    """Newer tables, no version, another program's file: each is refused and left as it is."""
    changed(filled, statement)
    with pytest.raises(error):
        opened(filled)


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
    with pytest.raises(errors.StateFull, match=r"port443\.db") as full:
        opened(state)
    assert full.value.hint.startswith("make room there (df -h shows it)")


def test_a_full_disk_is_told_and_spoils_nothing(filled: StateDirectory) -> None:
    """When no page can be added, the error says so, and what was there is still there."""
    store = opened(filled)
    (pages,) = store._database.execute("PRAGMA page_count").fetchone()
    store._database.execute(f"PRAGMA max_page_count = {pages}")

    async def put_many() -> None:
        for _ in range(50):
            await store.put(SITE, credential("a.test"), NOW)

    with pytest.raises(errors.StateFull) as full:
        asyncio.run(put_many())
    assert full.value.retry
    found = asyncio.run(store.active(SITE))
    assert found
    assert found.number == 1
    store.close()


def test_a_database_that_cannot_be_written_is_told(filled: StateDirectory) -> None:
    store = opened(filled)
    store._database.execute("PRAGMA query_only = ON")
    with pytest.raises(errors.StateReadOnly):
        asyncio.run(store.put(SITE, credential("a.test"), NOW))
    store.close()


def test_a_database_that_others_keep_locked_is_told(filled: StateDirectory) -> None:
    """A shell left open in a transaction is named as the cause, after a wait."""
    store = opened(filled)
    store._database.execute("PRAGMA busy_timeout = 20")
    shell = sqlite3.connect(filled.database)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(errors.DatabaseBusy):
        asyncio.run(store.put(SITE, credential("a.test"), NOW))
    shell.close()
    asyncio.run(store.put(SITE, credential("a.test"), NOW))
    store.close()


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
    store = opened(filled)
    with pytest.raises(WrappedKeyUnreadable):
        asyncio.run(store.active(SITE))
    assert asyncio.run(store.active(OTHER))
    store.close()


def test_a_damaged_secret_is_told(filled: StateDirectory) -> None:
    changed(filled, "DROP TRIGGER generation_never_changes", "UPDATE generation SET sealed = zeroblob(64)")
    store = opened(filled)
    with pytest.raises(errors.SecretUnreadable, match=SITE):
        asyncio.run(store.active(SITE))
    store.close()


def test_a_chain_that_is_none_is_told(filled: StateDirectory) -> None:
    changed(
        filled,
        "DROP TRIGGER generation_never_changes",
        "UPDATE generation SET chain = '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----'",
    )
    store = opened(filled)
    with pytest.raises(errors.DatabaseDamaged, match=SITE):
        asyncio.run(store.active(SITE))
    store.close()


def test_the_kek_of_another_store_is_refused(filled: StateDirectory, tmp_path: Path) -> None:
    stranger = FileKeyWrapper.open(tmp_path / "other", may_create=True)
    with pytest.raises(errors.WrongKeyEncryptionKey):
        SQLiteStore(filled.database, stranger)


def test_a_missing_kek_is_never_made_anew(filled: StateDirectory) -> None:
    """A new key would open none of the old secrets, so its absence is told."""
    filled.key_encryption_key.unlink()
    with pytest.raises(KeyEncryptionKeyMissing):
        opened(filled)
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
        opened(filled)


def test_one_serve_per_directory(state: StateDirectory) -> None:
    """The second is refused by name of the first, with exit code 5; after its end the next gets in."""
    first = state.lock()
    with pytest.raises(errors.StateInUse, match=f"process {os.getpid()}") as refused:
        state.lock()
    assert refused.value.exit_code == 5
    first.release()
    state.lock().release()


HOLD = """
import sys
from pathlib import Path
from port443.adapters.store_sqlite import StateDirectory
lock = StateDirectory.prepare(Path(sys.argv[1])).lock()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(state: StateDirectory) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(state.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.slow
def test_the_lock_goes_with_a_process_that_is_killed(
    state: StateDirectory, holder: subprocess.Popen[str]
) -> None:
    with pytest.raises(errors.StateInUse, match=f"process {holder.pid}"):
        state.lock()
    holder.kill()
    holder.wait()
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
