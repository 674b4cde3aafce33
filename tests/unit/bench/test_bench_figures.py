"""Samples become figures: medians, shares, goals."""

import pytest

from rig.figures import Figure, Results, Sample, meets_goal
from rig.rows import ROWS, Load, Row

ROW = Row("r", "work", "µs", "time", Load("/", 1, 1), most_share=0.5)
BOUND = Row("i", "memory", "KiB", "idle", Load("/", 1, 1), most_value=6.0)


def sample(peer: str, run: int, value: float, others: float = 0.0) -> Sample:
    return Sample("r", peer, value, user=value / 4, system=value * 3 / 4, others=others, run=run)


def results(*samples: Sample, baseline: str | None = "nginx") -> Results:
    return Results([ROW], ["port443", "nginx"], baseline, samples)


def figure(value: float, share: float | None) -> Figure:
    return Figure(value, value, value, 0.0, 0.0, 0.0, share)


def test_a_figure_is_the_median_of_its_runs() -> None:
    """One run that was disturbed changes the spread and not the figure."""
    found = results(sample("port443", 1, 10), sample("port443", 2, 90), sample("port443", 3, 12))
    cell = found.figure("r", "port443")
    assert cell is not None
    assert (cell.value, cell.least, cell.most) == (12, 10, 90)
    assert (cell.user, cell.system) == (3, 9)


def test_a_share_is_taken_within_each_run() -> None:
    """A run that was slow for both does not change the share."""
    pairs = [(1, 10.0, 20.0), (2, 40.0, 80.0), (3, 6.0, 20.0)]
    samples = [sample("port443", run, ours) for run, ours, _ in pairs]
    samples += [sample("nginx", run, theirs) for run, _, theirs in pairs]
    ours, theirs = results(*samples).figure("r", "port443"), results(*samples).figure("r", "nginx")
    assert ours is not None
    assert ours.share == pytest.approx(0.5)
    assert theirs is not None
    assert theirs.share == pytest.approx(1.0)


def test_runs_without_a_baseline_give_no_share() -> None:
    """A share needs both samples of one run, and a baseline at all."""
    other_runs = results(sample("port443", 1, 10), sample("nginx", 2, 20)).figure("r", "port443")
    none = results(sample("port443", 1, 10), baseline=None).figure("r", "port443")
    assert other_runs is not None
    assert other_runs.share is None
    assert none is not None
    assert none.share is None


def test_a_cell_without_samples_has_no_figure() -> None:
    """A proxy that failed in all runs leaves its cell empty."""
    assert results(sample("nginx", 1, 20)).figure("r", "port443") is None


def test_the_loudest_neighbour_of_all_runs_is_told() -> None:
    """How far others disturbed the measuring is the most of any sample."""
    assert results(sample("nginx", 1, 2, 0.02), sample("nginx", 2, 2, 0.3)).most_others() == 0.3
    assert results().most_others() == 0.0


def test_goals_are_shares_or_numbers() -> None:
    """A goal is reached at its bound; without a share nothing can be said of one."""
    assert meets_goal(ROW, figure(9.0, 0.5)) is True
    assert meets_goal(ROW, figure(9.0, 0.51)) is False
    assert meets_goal(ROW, figure(9.0, None)) is None
    assert meets_goal(BOUND, figure(6.0, 0.9)) is True
    assert meets_goal(BOUND, figure(6.1, 0.1)) is False


def test_every_row_has_a_name_of_its_own_and_a_goal() -> None:
    """The command line chooses rows by their names, and each is measured against something."""
    assert len(ROWS) == len({row.id for row in ROWS})
    assert all((row.most_share is None) != (row.most_value is None) for row in ROWS)
