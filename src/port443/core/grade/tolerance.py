"""Hold a server against baselines, with what is tolerated left out of account."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import Judgement
from port443.core.grade.policy import Tolerance
from port443.core.grade.requirement import Assessment, Baseline, Result, Standing, assess


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
