"""The bench's processes: found by their session, measured, and gone when they were ended."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.errors import BenchFault
from rig.group import Group, Place, free_port
from waiting import wait_until

FAMILY = "sleep 60 & sleep 60 & while :; do :; done"


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    started = Group(["/bin/sh", "-c", FAMILY], Place(min(os.sched_getaffinity(0))), tmp_path / "log")
    yield started
    started.end()


def test_a_program_is_measured_with_its_children_and_on_its_processor(group: Group) -> None:
    """Time and memory are those of all processes of the session, which run where they were put."""
    pids = wait_until(lambda: pids if len(pids := group.pids()) == 3 else [])
    assert all(len(os.sched_getaffinity(pid)) == 1 for pid in pids)
    assert wait_until(lambda: group.ticks().both > 0)
    assert group.resident_kib() > 0


def test_nothing_is_left_of_a_program_that_was_ended(group: Group) -> None:
    """Children that do not end with their parent are ended too."""
    pids = wait_until(lambda: pids if len(pids := group.pids()) == 3 else [])
    group.end()
    assert group.pids() == []
    assert len(pids) == 3


def test_a_program_that_ends_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    """Waiting for a port ends with the program, and says what it said."""
    place = Place(min(os.sched_getaffinity(0)))
    failing = Group(["/bin/sh", "-c", "echo no such file >&2; exit 1"], place, tmp_path / "log")
    with pytest.raises(BenchFault, match="no such file"):
        failing.wait_listening(free_port())
    failing.end()
