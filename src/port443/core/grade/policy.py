"""A policy of one's own: baselines and demands, with what is tolerated for the time being."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from port443.core.grade.baseline import Letter
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Judgement
from port443.core.grade.requirement import Assessment, Baseline, Result, Standing, assess
from port443.core.grade.rule import Severity


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
    """What a result has to meet."""

    baselines: tuple[Baseline, ...] = ()
    """Shipped ones, and one of the policy's own demands when it has any."""
    tolerances: tuple[Tolerance, ...] = ()
    min_grade: Letter | None = None
    fail_on: Severity | None = None

    def tolerated(self, day: date) -> Mapping[str, Tolerance]:
        """Return what is put up with on a day, by its subject."""
        return {one.subject: one for one in self.tolerances if one.until is None or day <= one.until}


def assess_tolerantly(
    baselines: Iterable[Baseline], facts: ScanFacts, judgement: Judgement, tolerated: Mapping[str, Tolerance]
) -> tuple[Assessment, ...]:
    """Hold a server against baselines; what is tolerated breaks none of them, and says so."""
    left = replace(
        judgement,
        findings=tuple(one for one in judgement.findings if one.id not in tolerated),
        undetermined=tuple(one for one in judgement.undetermined if one.id not in tolerated),
    )
    return tuple(_excused(assess(one, facts, left), tolerated) for one in baselines)


def _excused(assessment: Assessment, tolerated: Mapping[str, Tolerance]) -> Assessment:
    return replace(
        assessment, results=tuple(_excuse(one, assessment.baseline, tolerated) for one in assessment.results)
    )


def _excuse(result: Result, baseline: Baseline, tolerated: Mapping[str, Tolerance]) -> Result:
    key = result.requirement.key
    known = tolerated.get(f"{baseline.family}.{key}") or tolerated.get(f"{baseline.id}.{key}")
    if known is None or result.standing not in {Standing.BROKEN, Standing.UNKNOWN}:
        return result
    return replace(result, standing=Standing.EXEMPT, reason=f"{known.words} ({result.reason})")
