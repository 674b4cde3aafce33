"""Where the sockets lie, and which directories are refused."""

import os
from pathlib import Path

import pytest

from port443.edge.errors import RuntimeDirectoryUnsafe, RuntimeDirectoryUnusable, RuntimePathTooLong
from port443.edge.runtime import LONGEST_SOCKET, SOCKET_PATH_BYTES, default_runtime, prepare_runtime


def test_the_default_is_in_memory_where_the_system_has_that() -> None:
    """Root has /run, a user's session has its own, and else there is a private name of few bytes."""
    assert default_runtime(0, Path("/run/user/0")) == Path("/run/port443")
    assert default_runtime(1000, Path("/run/user/1000")) == Path("/run/user/1000/port443")
    assert default_runtime(1000, None, Path("/tmp")) == Path("/tmp/port443-1000")  # noqa: S108


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
