"""`port443 trust path`."""

import asyncio
import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from port443.adapters.clock import SystemClock
from port443.adapters.kek_file import FileKeyWrapper
from port443.adapters.key_files import FilesOnDisk
from port443.adapters.store_sqlite import SQLiteStore, StateDirectory
from port443.adapters.store_sqlite.errors import StateAbsent
from port443.app.keep import Keeper
from port443.app.trust import LocalCAAbsent
from port443.cli.trust import trust
from port443.core.names import HostName
from port443.core.plan.desired import DesiredSite, LocalIssuer
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificates_in


def serve_once(state: Path, *names: str) -> None:
    """Leave behind what a serve with these sites does."""
    directory = StateDirectory.prepare(state)
    may_create = not directory.database.exists()
    store = SQLiteStore(
        directory.database, FileKeyWrapper.open(directory.key_encryption_key, may_create=may_create)
    )
    sites = [
        DesiredSite(name, (host,), (), LocalIssuer(not host.is_reserved))
        for name in names
        for host in (HostName(name),)
    ]
    asyncio.run(Keeper(store, FilesOnDisk(), SystemClock()).ensure(sites))
    store.close()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(trust, ["path", *arguments])


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def test_the_path_of_the_root_is_printed(state: Path) -> None:
    """A PEM file that everybody may read, with just the root; its path alone on standard output."""
    serve_once(state, "a.test")
    result = run("--state", str(state))
    path = Path(result.stdout.removesuffix("\n"))
    assert path == state / "local-ca.pem"
    (octets,) = certificates_in(path.read_bytes())
    assert CertFacts.from_der(octets).is_ca
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_was_lost_or_changed_is_written_again(state: Path) -> None:
    serve_once(state, "a.test")
    path = state / "local-ca.pem"
    run("--state", str(state))
    content = path.read_bytes()
    path.write_bytes(b"something else")
    run("--state", str(state))
    assert path.read_bytes() == content


def test_the_unconstrained_root_is_printed_on_request(state: Path) -> None:
    serve_once(state, "a.test", "shop.example")
    assert run("--state", str(state), "--unconstrained").stdout == f"{state / 'local-ca-any.pem'}\n"


def test_json_tells_all_roots(state: Path) -> None:
    serve_once(state, "a.test", "shop.example")
    told = json.loads(run("--state", str(state), "--json").stdout)
    assert told["schema"] == "port443.trust/1"
    assert told["path"] == str(state / "local-ca.pem")
    assert [one["constrained"] for one in told["roots"]] == [True, False]
    assert all(one["subject"].endswith("O=port443") for one in told["roots"])


def test_without_a_local_ca_the_next_step_is_told(state: Path) -> None:
    """No state, no CA, no CA of that kind: each says what makes one, and makes nothing itself."""
    assert isinstance(run("--state", str(state)).exception, StateAbsent)
    assert not state.exists()
    serve_once(state)
    absent = run("--state", str(state)).exception
    assert isinstance(absent, LocalCAAbsent)
    assert "port443 serve" in absent.hint
    serve_once(state, "shop.example")
    absent = run("--state", str(state)).exception
    assert isinstance(absent, LocalCAAbsent)
    assert "--unconstrained" in absent.message
    serve_once(state, "a.test")
    assert run("--state", str(state)).exit_code == 0
