"""What /proc says, read as it is written."""

import pytest

from rig.proc import Mapping, Ticks, parse_busy_ticks, parse_smaps, parse_stat, resident_kib

STAT = (
    "4242 (nginx: (worker) x) S 4241 4242 4200 0 -1 4194560 1011 0 3 0 "
    "730 1604 0 0 20 0 1 0 8999 70000000 1200 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
)
SMAPS = """\
55d0c0a00000-55d0c0b00000 r-xp 00010000 fe:00 1234                       /usr/sbin/nginx
Size:               1024 kB
Rss:                 600 kB
Pss:                 300 kB
Shared_Clean:        500 kB
Shared_Dirty:          0 kB
Private_Clean:       100 kB
Private_Dirty:         0 kB
Referenced:          600 kB
VmFlags: rd ex mr mw me
55d0c1000000-55d0c1100000 rw-p 00000000 00:00 0                          [heap]
Shared_Clean:          0 kB
Shared_Dirty:         40 kB
Private_Clean:         0 kB
Private_Dirty:        60 kB
Private_Hugetlb:       0 kB
7ffd5a000000-7ffd5a021000 rw-p 00000000 00:00 0
Shared_Dirty:          0 kB
Private_Dirty:         8 kB
"""


def test_a_name_with_brackets_and_spaces_does_not_shift_the_fields() -> None:
    """Times and session are read from behind the last bracket."""
    stat = parse_stat(STAT)
    assert Ticks(730, 1604) == stat.ticks
    assert stat.session == 4200
    assert not stat.has_ended


def test_a_zombie_is_known_by_its_state() -> None:
    """A process that only waits to be reaped has ended."""
    assert parse_stat(STAT.replace(") S ", ") Z ")).has_ended


def test_ticks_are_added_and_taken_away_field_by_field() -> None:
    """The cost of a phase is the difference of two sums."""
    assert Ticks(3, 5) == Ticks(4, 7) + Ticks(1, 1) - Ticks(2, 3)
    assert Ticks(3, 5).both == 8


def test_a_processor_is_busy_with_all_but_waiting() -> None:
    """Idle time and waiting for disks are left out, interrupts and stolen time are not."""
    text = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 4 1000 2000 8 16 32 0 0\ncpu1 0 0 0 7 0 0 0 0 0 0\nintr 5\n"
    assert parse_busy_ticks(text, 0) == 1 + 2 + 4 + 8 + 16 + 32
    assert parse_busy_ticks(text, 1) == 0
    with pytest.raises(ValueError, match="cpu2"):
        parse_busy_ticks(text, 2)


def test_mappings_are_read_with_what_is_shared_and_what_is_not() -> None:
    """Every mapping is one value, the last one too, and only exact names count."""
    assert parse_smaps(SMAPS) == [
        Mapping("55d0c0a00000 /usr/sbin/nginx", 100, 500),
        Mapping("55d0c1000000 [heap]", 60, 40),
        Mapping("7ffd5a000000", 8, 0),
    ]
    assert parse_smaps("") == []


def test_pages_that_processes_share_count_once() -> None:
    """A master and a worker hold their program and what the fork left in common together."""
    master = [Mapping("a prog", 0, 500), Mapping("b [heap]", 10, 40)]
    worker = [Mapping("a prog", 0, 700), Mapping("b [heap]", 60, 40), Mapping("c", 5, 0)]
    assert resident_kib([master, worker]) == (0 + 10) + (0 + 60 + 5) + 700 + 40
    assert resident_kib([parse_smaps(SMAPS)]) == 708
