"""`port443 trust path`."""

import asyncio
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from port443.adapters.clock import SystemClock
from port443.adapters.state_directory import StateDirectory
from port443.adapters.state_directory.errors import StateAbsent, StateForeign
from port443.app.trust import LocalCAAbsent
from port443.cli.trust import trust
from port443.core.names import HostName
from port443.core.plan.desired import DesiredSite, LocalIssuer
from port443.core.x509.facts import CertFacts
from port443.core.x509.pem import certificates_in
from port443.storage_errors import StateUnusable
from port443.wiring import find_roots, opened_store, public_file
from serve_bench import bring_needs


def serve_once(state: Path, *names: str) -> None:
    """Leave behind what a serve with these sites does."""
    directory = StateDirectory.prepare(state)
    sites = [
        DesiredSite(name, (host,), (), LocalIssuer(not host.is_reserved))
        for name in names
        for host in (HostName(name),)
    ]
    with opened_store(directory) as store:
        bring_needs(store, SystemClock(), sites)


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
    assert path == state.parent / "state-public" / "local-ca.pem"
    (octets,) = certificates_in(path.read_bytes())
    assert CertFacts.from_der(octets).is_ca
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_was_lost_or_changed_is_written_again(state: Path) -> None:
    serve_once(state, "a.test")
    path = state.parent / "state-public" / "local-ca.pem"
    run("--state", str(state))
    content = path.read_bytes()
    path.write_bytes(b"something else")
    run("--state", str(state))
    assert path.read_bytes() == content


def test_the_unconstrained_root_is_printed_on_request(state: Path) -> None:
    serve_once(state, "a.test", "shop.example")
    assert run("--state", str(state), "--unconstrained").stdout == f"{state}-public/local-ca-any.pem\n"


def test_json_tells_all_roots(state: Path) -> None:
    serve_once(state, "a.test", "shop.example")
    told = json.loads(run("--state", str(state), "--json").stdout)
    assert told["schema"] == "port443.trust/1"
    assert told["path"] == f"{state}-public/local-ca.pem"
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


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a state directory below a parent that everybody may enter."""
    with tempfile.TemporaryDirectory(prefix="port443-trust-") as parent:
        Path(parent).chmod(0o755)
        yield Path(parent) / "state"


@contextmanager
def another_user() -> Iterator[None]:
    """Be somebody who may enter no directory of ours."""
    if os.geteuid() != 0:
        pytest.skip("only root can be another user")
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_everybody_is_told_the_copy_that_everybody_can_read(shared: Path) -> None:
    """Another user gets the path of a file that they can read, though the state is not theirs."""
    serve_once(shared, "a.test")
    run("--state", str(shared))
    with another_user():
        told = run("--state", str(shared))
        content = Path(told.stdout.strip()).read_bytes()
    assert told.stdout == f"{shared}-public/local-ca.pem\n"
    assert certificates_in(content)


def test_without_a_copy_another_user_is_told_whose_it_is(shared: Path) -> None:
    """The error is about the directory, not about port443."""
    serve_once(shared, "a.test")
    with another_user():
        told = run("--state", str(shared))
    assert isinstance(told.exception, StateForeign)
    assert told.exception.message == f"{shared} belongs to user 0, and user 65534 runs port443"


def test_a_parent_that_cannot_be_entered_is_named(shared: Path) -> None:
    serve_once(shared, "a.test")
    shared.parent.chmod(0o700)
    with another_user():
        told = run("--state", str(shared))
    assert isinstance(told.exception, StateUnusable)
    assert told.exception.message == f"{shared} may not be used: Permission denied"


def test_whoever_has_no_state_gets_the_root_of_the_machine(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serve mostly runs as another user than those who are to trust it; a state that was named is obeyed."""
    serve_once(shared, "a.test")
    run("--state", str(shared))
    monkeypatch.delenv("PORT443_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(shared.parent / "home"))
    with another_user():
        (found,) = asyncio.run(find_roots(None, machine=shared))
        with pytest.raises(StateAbsent):
            asyncio.run(find_roots(shared.parent / "named", machine=shared))
    assert found.path == public_file(shared, "local-ca.pem")


def test_a_narrow_umask_does_not_shut_the_copy_in(shared: Path) -> None:
    before = os.umask(0o077)
    try:
        serve_once(shared, "a.test")
        run("--state", str(shared))
    finally:
        os.umask(before)
    path = public_file(shared, "local-ca.pem")
    assert [stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)] == [0o755, 0o644]


@pytest.mark.parametrize("stands", ["writable by all", "a link", "a file"])
def test_nobody_can_put_a_root_of_their_own_in_its_place(state: Path, stands: str) -> None:
    """What others could change is not used; the owner still gets a path."""
    serve_once(state, "a.test")
    public = public_file(state, "x").parent
    if stands == "writable by all":
        public.mkdir()
        public.chmod(0o777)
    elif stands == "a link":
        (state.parent / "elsewhere").mkdir()
        public.symlink_to(state.parent / "elsewhere")
    else:
        public.touch()
    assert run("--state", str(state)).stdout == f"{state}/local-ca.pem\n"
