"""A renewal that is killed at each single write leaves the old certificate or the new one, whole."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pki import NOW
from port443.adapters.state_directory import StateDirectory
from port443.core.x509.chain import explain_chain
from port443.core.x509.facts import CertFacts
from port443.core.x509.keys import read_pkcs8, spki_of
from port443.core.x509.path import TrustedRoots
from port443.ports import Generation
from port443.wiring import opened_store

HERE = Path(__file__).parent
HELPERS = HERE.parents[1] / "helpers"
FIRST, SECOND = NOW, NOW + timedelta(days=70)
SITE, AUTHORITY = "site/a.test", "authority/reserved"


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Give a directory in memory where there is one: what is killed here needs no disk to wait for."""
    shared = Path("/dev/shm")  # noqa: S108 - the directory made in it is private
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as made:
        yield Path(made)


class Renewer:
    """Runs renewals in processes of their own, and kills them where it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, state: Path, moment: datetime, *, kill_at: int = 0, half: bool = False) -> int | None:
        """Return how many changes to files were made; None when it was killed."""
        assert self._process.stdin
        assert self._process.stdout
        print(state, moment.isoformat(), kill_at, half, file=self._process.stdin, flush=True)
        match self._process.stdout.readline().split():
            case ["killed"]:
                return None
            case ["done", changes]:
                return int(changes)
            case answer:
                raise AssertionError(f"the renewal failed: {answer}")


@pytest.fixture(scope="module")
def renewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renewer]:
    """Compile what kills at a write, and start the renewer with it."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("there is no C compiler, or this is not Linux")
    library = tmp_path_factory.mktemp("killer") / "kill_at_write.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "kill_at_write.c"), "-ldl"]
    subprocess.run(command, check=True)
    with subprocess.Popen(
        [sys.executable, HERE / "renewer.py"],
        env=os.environ | {"LD_PRELOAD": str(library), "PYTHONPATH": str(HELPERS)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield Renewer(process)
        process.kill()


def whole(state: Path) -> Generation | None:
    """Return the site's active generation as the next process finds it, proved against the active root."""

    async def read() -> list[Generation | None]:
        with opened_store(StateDirectory.find(state)) as store:
            return [await store.active(lineage) for lineage in (SITE, AUTHORITY)]

    site, authority = asyncio.run(read())
    for found in filter(None, (site, authority)):
        key = read_pkcs8(found.credential.key_pkcs8, found.lineage)
        assert CertFacts.from_der(found.credential.chain[0]).spki == spki_of(key)
    if site:
        assert authority
        root = CertFacts.from_der(authority.credential.chain[0])
        chain = [CertFacts.from_der(octets) for octets in site.credential.chain]
        assert explain_chain(chain, TrustedRoots.of([root]), chain[0].not_before).is_trusted
    return site


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["before", "in the middle of"])
def test_a_renewal_killed_at_any_write_leaves_one_whole_generation(
    renewer: Renewer, memory: Path, *, half: bool
) -> None:
    """At first there is the old one, from some write on the new one; never none, never half of one."""
    before = memory / "before"
    renewer.run(before, FIRST)
    old = whole(before)
    assert old
    shutil.copytree(before, memory / "counted")
    changes = renewer.run(memory / "counted", SECOND)
    assert changes
    numbers = []
    for change in range(1, changes + 1):
        state = memory / f"killed-{change}"
        shutil.copytree(before, state)
        assert renewer.run(state, SECOND, kill_at=change, half=half) is None
        found = whole(state)
        assert found
        numbers.append(found.number)
        assert (found == old) == (found.number == old.number)
        # The next process finishes what was begun, without being told.
        assert renewer.run(state, SECOND)
        renewed = whole(state)
        assert renewed
        assert renewed.number > old.number
    assert numbers == sorted(numbers)
    assert set(numbers) == {1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("half", [False, True], ids=["before", "in the middle of"])
def test_a_first_run_killed_at_any_write_can_be_run_again(
    renewer: Renewer, memory: Path, *, half: bool
) -> None:
    """From nothing: directory, key-encryption key, tables, root, leaf; the next run goes on from there."""
    changes = renewer.run(memory / "counted", FIRST)
    assert changes
    for change in range(1, changes + 1):
        state = memory / f"killed-{change}"
        assert renewer.run(state, FIRST, kill_at=change, half=half) is None
        assert renewer.run(state, FIRST)
        assert whole(state)
