"""Finding the edge program of our version."""

import sys
from pathlib import Path

import pytest

from port443 import __version__
from port443.edge.errors import EdgeProgramMissing, EdgeVersionDiffers
from port443.edge.locate import locate_program

OURS = f"echo port443-edge {__version__}"


def program(path: Path, script: str = OURS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a Python that nothing lies beside, and a PATH of one empty directory."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python" / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def test_the_chosen_program_comes_first(bare: Path) -> None:
    program(bare / "python" / "bin" / "port443-edge")
    chosen = program(bare / "mine")
    assert locate_program(chosen) == chosen


def test_then_the_one_beside_our_python(bare: Path) -> None:
    program(bare / "path" / "port443-edge")
    beside = program(bare / "python" / "bin" / "port443-edge")
    assert locate_program() == beside


def test_then_the_one_of_the_path(bare: Path) -> None:
    found = program(bare / "path" / "port443-edge")
    assert locate_program(None) == found


def test_none_says_how_to_get_it(bare: Path) -> None:
    """The hint is a command that can be typed."""
    with pytest.raises(EdgeProgramMissing) as caught:
        locate_program()
    assert f"pip install port443-edge=={__version__}" in caught.value.hint
    assert not (bare / "path").exists()


def test_a_chosen_program_that_is_none_is_refused(bare: Path) -> None:
    """No other one is taken in its place."""
    program(bare / "path" / "port443-edge")
    (bare / "data").touch()
    for path in (bare / "absent", bare / "data", bare):
        with pytest.raises(EdgeProgramMissing, match="PORT443_EDGE names"):
            locate_program(path)


@pytest.mark.parametrize(
    ("script", "said"),
    [("echo port443-edge 0.0.1", "'port443-edge 0.0.1'"), ("exit 3", "exit code 3"), ("echo hi", "'hi'"),
     (f"{OURS}; exit 1", "port443-edge")],
)  # fmt: skip
def test_another_version_is_refused(bare: Path, script: str, said: str) -> None:
    """What it said stands in the message."""
    with pytest.raises(EdgeVersionDiffers, match=said):
        locate_program(program(bare / "mine", script))


def test_a_program_that_cannot_be_run_is_refused(bare: Path) -> None:
    broken = bare / "broken"
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    with pytest.raises(EdgeVersionDiffers, match="cannot be run"):
        locate_program(broken)
