"""Where the sockets lie, and which directories are refused."""

import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from port443.edge.errors import RuntimeDirectoryUnsafe, RuntimeDirectoryUnusable, RuntimePathTooLong
from port443.edge.runtime import (
    LONGEST_SOCKET,
    SOCKET_PATH_BYTES,
    Machine,
    default_runtime,
    prepare_runtime,
)

UID = os.geteuid()


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give a directory on another file system than tests have, that everybody may write to."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        Path(path).chmod(0o1777)
        yield Path(path)


@pytest.fixture
def machine(tmp_path: Path, shared: Path) -> Machine:
    """A machine whose /run is on a disk, as in a container, and whose /dev/shm is in memory."""
    if tmp_path.stat().st_dev == shared.stat().st_dev:
        pytest.skip("the tests' own directory is in memory")
    rows = [
        f"1 0 {os.major(device)}:{os.minor(device)} / {path} rw - {kind} x rw\n"
        for path, device, kind in (
            (tmp_path, tmp_path.stat().st_dev, "overlay"),
            (shared, shared.stat().st_dev, "tmpfs"),
        )
    ]
    (tmp_path / "mountinfo").write_text("".join(rows))
    return Machine(tmp_path / "run", shared, tmp_path / "tmp", tmp_path / "mountinfo")


def test_the_default_is_the_usual_place_where_that_is_in_memory(machine: Machine, shared: Path) -> None:
    """Root has /run, a user's session has its own, and else there is a private name of few bytes."""
    roomy = replace(machine, run=shared / "run", temporary=shared / "tmp")
    assert default_runtime(0, Path("/run/user/0"), roomy) == shared / "run" / "port443"
    assert default_runtime(UID + 1, shared / "user", roomy) == shared / "user" / "port443"
    assert default_runtime(UID + 1, None, roomy) == shared / "tmp" / f"port443-{UID + 1}"


def test_where_the_usual_place_is_on_a_disk_shared_memory_has_ours(machine: Machine, shared: Path) -> None:
    """Whether it is made already or not; nothing is made by asking."""
    ours = shared / f"port443-{UID}"
    for xdg in (None, machine.temporary):
        assert default_runtime(UID, xdg, machine) == ours
    assert not ours.exists()
    assert default_runtime(UID, None, machine) == prepare_runtime(ours)


@pytest.mark.parametrize("squat", ["link", "file", "open", "passable"])
def test_what_others_put_there_is_passed_over(machine: Machine, shared: Path, squat: str) -> None:
    """A name in shared memory can be anybody's: a link, a file, a directory that others look into."""
    ours = shared / f"port443-{UID}"
    if squat == "link":
        (shared / "elsewhere").mkdir(mode=0o700)
        ours.symlink_to(shared / "elsewhere")
    elif squat == "file":
        ours.touch()
    else:
        ours.mkdir()
        ours.chmod(0o755 if squat == "open" else 0o711)
    assert default_runtime(UID, None, machine).parent in {machine.run, machine.temporary}


def test_the_directory_of_another_user_is_passed_over(machine: Machine, shared: Path) -> None:
    """Whoever made it first owns it, whatever its mode."""
    (shared / f"port443-{UID + 1}").mkdir(mode=0o700)
    assert default_runtime(UID + 1, None, machine).parent == machine.temporary


def test_shared_memory_where_names_can_be_taken_away_is_passed_over(machine: Machine, shared: Path) -> None:
    """Without the sticky bit anybody could put another directory in the place of ours."""
    shared.chmod(0o777)
    assert default_runtime(UID, None, machine).parent in {machine.run, machine.temporary}


def test_an_edge_that_runs_in_the_usual_place_stays_there(machine: Machine) -> None:
    """It was started by a version that knew no other place."""
    usual = default_runtime(UID, None, replace(machine, shared_memory=machine.temporary))
    usual.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as edge:
        edge.bind(os.fspath(usual / "edge.sock"))
        edge.listen()
        assert default_runtime(UID, None, machine) == usual


def test_a_missing_directory_is_made_for_us_alone(tmp_path: Path) -> None:
    """Mode 0700, also when its parents are missing; a second time changes nothing."""
    made = prepare_runtime(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    assert prepare_runtime(made) == made


def test_an_open_directory_is_refused(tmp_path: Path) -> None:
    """Secrets lie in it: neither group nor others may look; passing through is allowed."""
    for mode in (0o755, 0o702, 0o770):
        tmp_path.chmod(mode)
        with pytest.raises(RuntimeDirectoryUnsafe, match="open to other users"):
            prepare_runtime(tmp_path)
    for mode in (0o700, 0o711):
        tmp_path.chmod(mode)
        assert prepare_runtime(tmp_path) == tmp_path


def test_what_is_not_our_directory_is_refused(tmp_path: Path) -> None:
    """A link may lead anywhere, and a file is no directory."""
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(RuntimeDirectoryUnsafe, match="not a directory of this user"):
        prepare_runtime(tmp_path / "link")
    (tmp_path / "file").touch()
    with pytest.raises(RuntimeDirectoryUnusable):
        prepare_runtime(tmp_path / "file")
    with pytest.raises(RuntimeDirectoryUnusable):
        prepare_runtime(tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(RuntimeDirectoryUnusable, match="cannot write"):
        prepare_runtime(tmp_path)
    tmp_path.chmod(0o700)


def test_a_path_too_long_for_a_socket_is_refused(tmp_path: Path) -> None:
    """The bound is on bytes of the longest socket's path; one byte less is fine."""
    room = SOCKET_PATH_BYTES - len(os.fsencode(tmp_path)) - len(LONGEST_SOCKET) - 2
    assert prepare_runtime(tmp_path / ("a" * room)).is_dir()
    with pytest.raises(RuntimePathTooLong, match="is 1 bytes too long"):
        prepare_runtime(tmp_path / ("a" * (room + 1)))
