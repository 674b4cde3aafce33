"""The requirements of a command line for the results of a scan, and the exit code that reports them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from port443.cli import exits
from port443.core.grade.baseline import Letter
from port443.core.grade.fold import Finding, Undetermined
from port443.core.grade.policy import Tolerance
from port443.core.grade.report import Failure, Report
from port443.core.grade.severity import Severity
from port443.core.probe.verdict import LEFT_OUT

if TYPE_CHECKING:
    from port443.core.grade.requirement import Assessment, Baseline


@dataclass(frozen=True, slots=True)
class Bar:
    """The requirements of a command line."""

    min_grade: Letter | None
    fail_on: Severity | None
    policies: tuple["Baseline", ...] = ()
    tolerated: Mapping[str, Tolerance] = field(default_factory=dict)
    """What is tolerated, by its subject."""

    def fails_on(self, severity: Severity) -> bool:
        """Whether a finding of this severity is one too many."""
        return self.fail_on is not None and severity.rank <= self.fail_on.rank

    def minds(self, one: Finding | Undetermined) -> bool:
        """Whether a finding, or the doubt about one, is too many and not tolerated.

        What a light look leaves out is asked for by nobody.
        """
        is_left_out = isinstance(one, Undetermined) and LEFT_OUT in one.reason
        return one.id not in self.tolerated and self.fails_on(one.severity) and not is_left_out

    def is_below(self, report: Report) -> bool:
        """Whether the letter is worse than the required one."""
        letter = report.grade.letter
        return letter is not None and self.min_grade is not None and letter.rank > self.min_grade.rank


def exit_code_of(result: Report | Failure, bar: Bar) -> int:
    """Return the standing of a result against the requirements; an unknown does not meet them."""
    if isinstance(result, Failure):
        return exits.exit_code_of(result.error)
    standings = {one.standing.value for one in assessments(result, bar)}
    if any(bar.minds(one) for one in result.judgement.findings):
        return exits.FINDINGS
    if bar.is_below(result) or "broken" in standings:
        return exits.FINDINGS
    unsure = result.grade.letter is None or (bar.min_grade is not None and result.grade.at_best)
    doubts = any(bar.minds(one) for one in result.judgement.undetermined)
    return exits.UNDETERMINED if unsure or doubts or "unknown" in standings else exits.DONE


def assessments(report: Report, bar: Bar) -> tuple["Assessment", ...]:
    """Hold a report against the baselines that are asked for."""
    if not bar.policies:
        return ()
    from port443.core.grade.tolerance import assess_tolerantly  # noqa: PLC0415 - for runs with a policy only

    return assess_tolerantly(bar.policies, report.facts, report.judgement, bar.tolerated)
