"""What the command line asks for."""

from pathlib import Path

import pytest

from rig.finding import KINDS
from rig.options import MOST_RUNS, QUICK, WHOLE, read_options
from rig.rows import ROWS


def test_without_options_everything_is_measured_three_times() -> None:
    """`make bench` alone is the run whose results go into the tree."""
    options = read_options([])
    assert options.runs == 3
    assert options.rows == ROWS
    assert options.kinds == tuple(KINDS)
    assert (options.proxy_cpu, options.load_cpu) == (0, 1)
    assert options.effort == WHOLE
    assert options.is_whole


def test_a_quick_look_is_short_and_not_for_the_tree() -> None:
    """Figures of a look at the rig never replace the published ones."""
    options = read_options(["--quick"])
    assert (options.runs, options.effort) == (1, QUICK)
    assert not options.is_whole


def test_a_watched_run_is_not_for_the_tree() -> None:
    """A profiler's cost is on the proxy's account."""
    options = read_options(["--watch", "perf record -p {pids}"])
    assert options.watch == "perf record -p {pids}"
    assert not options.is_whole


def test_a_part_of_the_rows_keeps_their_order_and_is_not_for_the_tree() -> None:
    """Rows come in the order of the table, whatever the order they were asked in."""
    options = read_options(["--rows", "full,http1"])
    assert [row.id for row in options.rows] == ["http1", "full"]
    assert not options.is_whole


def test_other_builds_are_named_by_kind_and_path() -> None:
    """A build of one's own stands beside the others, as often as wished."""
    options = read_options(["--peer", "nginx=/opt/a/nginx", "--peer", "haproxy=/opt/b/haproxy"])
    assert options.named == (("nginx", Path("/opt/a/nginx")), ("haproxy", Path("/opt/b/haproxy")))


@pytest.mark.parametrize(
    "words",
    [
        ["--rows", "http9"],
        ["--peers", "apache"],
        ["--peer", "nginx"],
        ["--peer", "apache=/bin/true"],
        ["--peer", "nginx="],
        ["--runs", "0"],
        ["--runs", str(MOST_RUNS + 1)],
        ["--seconds", "0"],
        ["--seconds", "3600"],
        ["--seconds", "soon"],
        ["--cpus", "1"],
    ],
)
def test_a_wrong_word_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake ends the bench before anything is started, with what was wrong."""
    with pytest.raises(SystemExit) as ended:
        read_options(words)
    assert ended.value.code == 2
    assert words[0] in capsys.readouterr().err
