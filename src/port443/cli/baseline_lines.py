"""The standing of a server against baselines, and the page of each, for people."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from port443.cli.output import Tone
from port443.cli.scan_lines import LABEL, line, lines, under
from port443.core.grade.baselines import BASELINES
from port443.core.grade.requirement import Assessment, Baseline, Level, Standing, Unseen

WIDTH: Final = 100
TONES: Final[dict[Standing, Tone]] = {
    Standing.MET: "good",
    Standing.BROKEN: "bad",
    Standing.UNKNOWN: "quiet",
}


def assessment_lines(assessments: Iterable[Assessment]) -> Iterator[str]:
    """Write a line for each baseline, and under it what is broken or unknown."""
    for one in assessments:
        met, unseen = len(one.having(Standing.MET)), len(one.having(Standing.UNSEEN))
        judged = len(one.results) - unseen - len(one.having(Standing.EXEMPT))
        beside = f", {unseen} not judged from outside" if unseen else ""
        words = {Standing.MET: "met", Standing.BROKEN: "not met", Standing.UNKNOWN: "unknown"}[one.standing]
        yield line(TONES[one.standing], words, f"{one.baseline.id}   {met} of {judged} requirements{beside}")
        for result in (*one.having(Standing.BROKEN), *one.having(Standing.UNKNOWN)):
            is_strict = result.requirement.level is Level.MUST
            tone: Tone = "quiet" if result.standing is Standing.UNKNOWN else "bad" if is_strict else "note"
            text = f"{result.requirement.text}   ({result.requirement.where})"
            yield from lines(tone, result.requirement.level, text)
            yield from under(result.reason)


def baseline_page(baseline: Baseline) -> str:
    """Write the requirements of a baseline, and the rule that checks each."""
    until = f" to {baseline.until}" if baseline.until else ""
    source = baseline.source.title + ("" if baseline.source.is_first_hand else " (second-hand)")
    head = (
        f"{baseline.id}  {baseline.title}.",
        f"In force: from {baseline.since}{until}",
        f"Source: {source}\n{baseline.source.address}",
    )
    requirements = []
    for one in baseline.requirements:
        text = textwrap.fill(f"{one.text} ({one.where})", WIDTH, initial_indent=f"{one.level:<{LABEL}}",
                             subsequent_indent=" " * LABEL)  # fmt: skip
        is_unseen = isinstance(one.test, Unseen)
        judged = f"not judged, {one.test.judged_by}" if is_unseen else f"judged by {one.test.judged_by}"
        requirements += [text, *_wrapped(f"{one.key}: {judged}")]
    return "\n\n".join((*head, "\n".join(requirements)))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * LABEL, subsequent_indent=" " * (LABEL + 2))


def baseline_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every baseline that is shipped, by its id."""
    for one in BASELINES:
        yield one.id, baseline_page(one)
