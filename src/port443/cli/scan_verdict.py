"""The verdict of a scan, for people: findings, unknowns and the grade."""

from collections.abc import Iterator, Mapping

from port443.cli import output
from port443.cli.output import Tone
from port443.cli.scan_lines import LABEL, line, lines, under
from port443.core.grade.baseline import Letter
from port443.core.grade.fold import Finding, Grade, NextStep, Undetermined
from port443.core.grade.policy import Tolerance
from port443.core.grade.report import Report
from port443.core.grade.rule import Severity
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R

MANY_ALIKE = 2
"""More doubts of one reason are named by their ids alone."""
TONES: dict[Severity, Tone] = {
    Severity.CRITICAL: "bad",
    Severity.HIGH: "bad",
    Severity.MEDIUM: "note",
    Severity.LOW: "note",
    Severity.INFO: "note",
}


def finding_lines(findings: tuple[Finding, ...], tolerated: Mapping[str, Tolerance]) -> Iterator[str]:
    """Write the findings, the gravest first, and which of them are tolerated."""
    for finding in findings:
        yield line(TONES[finding.severity], finding.severity, f"{finding.id:<15}{finding.title}")
        yield from under(finding.evidence)
        if finding.id in tolerated:
            yield from under(tolerated[finding.id].words)


def doubt_lines(doubts: tuple[Undetermined, ...]) -> Iterator[str]:
    """Write what could not be told, and why: what has the same reason together."""
    by_reason: dict[str, list[Undetermined]] = {}
    for one in doubts:
        by_reason.setdefault(one.reason, []).append(one)
    for reason, alike in by_reason.items():
        if len(alike) > MANY_ALIKE:
            yield from lines("quiet", "", ", ".join(one.id for one in alike))
        else:
            yield from (line("quiet", "", f"{one.id:<15}{one.title}") for one in alike)
        yield from under(reason)


def grade_lines(report: Report) -> Iterator[str]:
    """Write the letter, its reasons, and the step to the next one."""
    grade = report.grade
    secondary = ", in part from secondary sources" if SSL_LABS_2009R.is_secondary else ""
    ruleset = f"({grade.baseline}{secondary})"
    if grade.letter is None:
        yield line("quiet", "none", f"{grade.withheld}   {ruleset}")
    else:
        yield from _letter(grade, ruleset)
    connections = f"{report.connections} connections"
    yield f"  {'':<{LABEL}}{report.judgement.checks} checks, {connections}, {report.took_s:.2f} s"


def _letter(grade: Grade, ruleset: str) -> Iterator[str]:
    letter = "" if grade.letter is None else grade.letter.value
    tone: Tone = "good" if letter.startswith("A") else "note" if letter in {"B", "C"} else "bad"
    best = " at best" if grade.at_best else ""
    but = "for the name in the certificate" if grade.letter is Letter.M else "if it were trusted"
    inner = f"   {grade.if_trusted.value} {but}" if grade.if_trusted else ""
    yield line(tone, output.paint(f"{letter}{best}".ljust(LABEL), "strong"), f"{ruleset}{inner}")
    if grade.scores:
        scores = grade.scores
        parts = f"protocol {scores.protocol}, key exchange {scores.key_exchange}, cipher {scores.cipher}"
        yield line(None, "score", f"{scores.total}   {parts}")
    for cap in grade.caps:
        rule = f"   {cap.rule}" if cap.rule.startswith("P443-") else ""
        yield line(None, f"at most {cap.letter.value}", f"{cap.reason}{rule}")
    if grade.at_best:
        yield from lines("quiet", "unknown", f"could make it worse: {', '.join(grade.doubts)}")
    if grade.next_step:
        yield from _next(grade.next_step)


def _next(step: NextStep) -> Iterator[str]:
    """Write the cheapest remedy, and what the letter needs besides."""
    rule = next((one for one in step.rules if one.startswith("P443-")), None)
    explain = f"   {output.runnable(f'port443 explain {rule}')}" if rule else ""
    first = step.remedies[0].what if step.remedies else f"mend {', '.join(step.rules)}"
    yield line("next", "next", f"{step.letter.value}: {first}{explain}")
    for remedy in step.remedies[1:]:
        yield line(None, "", f"and {remedy.what}")
