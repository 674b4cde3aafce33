"""What the load says is believed only when it proves what the row is about."""

from dataclasses import replace

import pytest

from rig.errors import BenchFault
from rig.loading import Phase, parse_phase
from rig.measure import prove
from rig.rows import ROWS, Load, request_head

LINE = "done units=12 microseconds=500000 full=3 resumed=9 retried=0"
KEPT = Load("/1k", 1024, 4)
CLOSED = replace(KEPT, life="closed")
RESUMED = replace(CLOSED, resumes=True)


def test_a_phase_is_read_from_one_line() -> None:
    """Counts come by name, whatever their order."""
    assert parse_phase(LINE, "done") == Phase(12, 500000, 3, 9, 0)
    assert parse_phase("done retried=1 full=2 units=3 resumed=4 microseconds=5", "done") == Phase(
        3, 5, 2, 4, 1
    )


def test_another_word_is_a_fault_in_the_words_of_the_load() -> None:
    """A load that failed says why, and that is what the reader gets."""
    with pytest.raises(BenchFault, match=r"^the answer was HTTP/1.1 502$"):
        parse_phase("failed the answer was HTTP/1.1 502", "done")
    with pytest.raises(BenchFault, match="warm"):
        parse_phase("warm units=1", "done")


@pytest.mark.parametrize(
    ("load", "phase"),
    [
        (KEPT, Phase(9, 1, 0, 0, 0)),
        (CLOSED, Phase(9, 1, 9, 0, 0)),
        (RESUMED, Phase(9, 1, 0, 9, 0)),
    ],
)
def test_a_phase_with_the_right_handshakes_is_proof(load: Load, phase: Phase) -> None:
    """Kept connections shake no hands, full rows only full ones, resumed rows only resumed ones."""
    prove(phase, load, has_tls=True)


@pytest.mark.parametrize(
    ("load", "phase"),
    [
        (KEPT, Phase(9, 1, 1, 0, 0)),
        (CLOSED, Phase(9, 1, 8, 1, 0)),
        (CLOSED, Phase(9, 1, 8, 0, 1)),
        (CLOSED, Phase(9, 1, 8, 0, 0)),
        (RESUMED, Phase(9, 1, 1, 8, 0)),
        (RESUMED, Phase(9, 1, 9, 0, 0)),
        (KEPT, Phase(0, 1, 0, 0, 0)),
    ],
)
def test_a_single_wrong_handshake_spoils_the_phase(load: Load, phase: Phase) -> None:
    """One resumed handshake among full ones, or the other way round, is no figure; nor is no work at all."""
    with pytest.raises(BenchFault):
        prove(phase, load, has_tls=True)


def test_the_floor_shakes_no_hands() -> None:
    """The program without TLS passes only without handshakes."""
    prove(Phase(9, 1, 0, 0, 0), CLOSED, has_tls=False)
    with pytest.raises(BenchFault):
        prove(Phase(9, 1, 9, 0, 0), CLOSED, has_tls=False)


def test_requests_are_complete_heads() -> None:
    """An upload announces its length; every head names the host and ends."""
    for row in ROWS:
        head = request_head(row.load, "bench.test")
        assert head.endswith(b"\r\n\r\n")
        assert head.count(b"\r\n\r\n") == 1
        assert b"\r\nHost: bench.test\r\n" in head
        assert head.startswith(b"POST " if row.load.upload else b"GET ")
        assert (b"Content-Length: 1048576" in head) == bool(row.load.upload)
