"""A policy of the user: baselines and demands, with what is tolerated for the time being."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from port443.core.grade.baseline import Letter
from port443.core.grade.severity import Severity

if TYPE_CHECKING:
    from port443.core.grade.requirement import Baseline


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Something that is known and put up with."""

    subject: str
    """A finding's id, or a requirement as `baseline.key`."""
    reason: str
    until: date | None = None
    """The last day of it; None for good."""

    @property
    def words(self) -> str:
        return f"tolerated{f' until {self.until}' if self.until else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The requirements for a result."""

    baselines: tuple["Baseline", ...] = ()
    """Shipped ones, and one of the policy's own demands when it has any."""
    tolerances: tuple[Tolerance, ...] = ()
    min_grade: Letter | None = None
    fail_on: Severity | None = None

    def tolerated(self, day: date) -> Mapping[str, Tolerance]:
        """Return what is tolerated on a day, by its subject."""
        return {one.subject: one for one in self.tolerances if one.until is None or day <= one.until}
