"""Samples to figures: medians over the runs, and shares within a run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rig.rows import Row


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run has given for one row and one peer."""

    row: str
    peer: str
    value: float
    user: float = 0.0
    system: float = 0.0
    units: int = 0
    busy: float = 0.0
    """The share of the processor that the proxy used while it was measured."""
    others: float = 0.0
    """The share that others used: above a few per cent the figure means little."""
    run: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A figure that could not be taken, and why."""

    row: str
    peer: str
    run: int
    reason: str


@dataclass(frozen=True, slots=True)
class Figure:
    """What the runs have given together."""

    value: float
    least: float
    most: float
    user: float
    system: float
    busy: float
    share: float | None
    """Of what the baseline had in the same run."""


@dataclass(frozen=True, slots=True)
class Results:
    """All that one go of the bench has given."""

    rows: Sequence[Row]
    peers: Sequence[str]
    baseline: str | None
    samples: Sequence[Sample]
    failures: Sequence[Failure] = ()

    def figure(self, row: str, peer: str) -> Figure | None:
        """The figure of one cell; none where no run gave a sample."""
        samples = self._of(row, peer)
        if not samples:
            return None
        values = [sample.value for sample in samples]
        return Figure(
            value=median(values),
            least=min(values),
            most=max(values),
            user=median(sample.user for sample in samples),
            system=median(sample.system for sample in samples),
            busy=median(sample.busy for sample in samples),
            share=_share(samples, self._of(row, self.baseline)),
        )

    def most_others(self) -> float:
        """The most of the proxy's processor that others took in any run."""
        return max((sample.others for sample in self.samples), default=0.0)

    def _of(self, row: str, peer: str | None) -> list[Sample]:
        return [sample for sample in self.samples if (sample.row, sample.peer) == (row, peer)]


def _share(samples: Iterable[Sample], baseline: Iterable[Sample]) -> float | None:
    """Return the median of the runs' shares: what disturbs a run as a whole disturbs both in it."""
    by_run = {sample.run: sample.value for sample in baseline}
    shares = [sample.value / by_run[sample.run] for sample in samples if by_run.get(sample.run)]
    return median(shares) if shares else None


def meets_goal(row: Row, figure: Figure) -> bool | None:
    """Whether a figure is within the row's goal; none where that cannot be said."""
    if row.most_value is not None:
        return figure.value <= row.most_value
    if row.most_share is None or figure.share is None:
        return None
    return figure.share <= row.most_share
