"""Results as JUnit XML: a suite for each target, a case for each rule, the grade and each baseline."""

from collections.abc import Iterator, Sequence
from xml.etree import ElementTree as ET

from port443.cli.scan_bar import Bar, assessments
from port443.cli.scan_lines import readable
from port443.core.grade.catalogue import RULES
from port443.core.grade.report import Failure, Report
from port443.core.grade.requirement import Assessment, Level, Standing

COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def junit_text(results: Sequence[tuple[Report | Failure, int]], bar: Bar) -> str:
    """Write the document; what does not fail the scan is a case that passes, with its text."""
    root = ET.Element("testsuites", name="port443 scan")
    for result, _ in results:
        suite = ET.SubElement(root, "testsuite", name=str(result.target))
        for case in _cases(result, bar):
            case.set("classname", str(result.target))
            suite.append(case)
        took = f"{result.took_s:.3f}" if isinstance(result, Report) else "0"
        suite.set("time", took)
        _count(suite)
    _count(root)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _count(element: ET.Element) -> None:
    element.set("tests", str(len(element.findall(".//testcase"))))
    for name, tag in COUNTED.items():
        element.set(name, str(len(element.findall(f".//{tag}"))))


def _cases(result: Report | Failure, bar: Bar) -> Iterator[ET.Element]:
    if isinstance(result, Failure):
        case = ET.Element("testcase", name="scan")
        _say(case, "error", result.error.code, result.error.message, result.error.hint)
        yield case
        return
    yield _grade(result, bar)
    yield from (_baseline(one) for one in assessments(result, bar))
    found = {one.id: one for one in result.judgement.findings}
    doubts = {one.id: one for one in result.judgement.undetermined}
    for rule in RULES:
        case = ET.Element("testcase", name=f"{rule.id} {rule.title}")
        if rule.id in doubts:
            _say(case, "skipped", "", doubts[rule.id].reason)
        elif rule.id in found:
            evidence = found[rule.id].evidence
            if bar.minds(found[rule.id]):
                _say(case, "failure", rule.severity, evidence, f"To do: {rule.remedy.what}")
            else:
                ET.SubElement(case, "system-out").text = readable(evidence)
        yield case


def _grade(report: Report, bar: Bar) -> ET.Element:
    grade = report.grade
    letter = "none" if grade.letter is None else grade.letter.value
    wanted = bar.min_grade.value if bar.min_grade else "any"
    case = ET.Element("testcase", name=f"grade {grade.baseline}, wanted {wanted}")
    caps = "; ".join(f"at most {cap.letter.value}: {cap.reason}" for cap in grade.caps)
    if bar.is_below(report):
        _say(case, "failure", "grade", f"{letter} is below {wanted}", caps)
    elif grade.letter is None or (bar.min_grade and grade.at_best):
        _say(case, "skipped", "", grade.withheld or f"{letter} at best")
    else:
        ET.SubElement(case, "system-out").text = readable(letter)
    return case


def _baseline(one: Assessment) -> ET.Element:
    case = ET.Element("testcase", name=f"baseline {one.baseline.id}")
    broken = [
        f"{result.requirement.text} ({result.requirement.where}): {result.reason}"
        for result in one.having(Standing.BROKEN)
        if result.requirement.level is Level.MUST
    ]
    if one.standing is Standing.BROKEN:
        _say(case, "failure", "baseline", f"{len(broken)} requirements are not met", "\n".join(broken))
    elif one.standing is Standing.UNKNOWN:
        reasons = "; ".join(result.reason for result in one.having(Standing.UNKNOWN))
        _say(case, "skipped", "", reasons)
    return case


def _say(case: ET.Element, tag: str, kind: str, message: str, more: str = "") -> None:
    """Add the outcome; text from a server cannot break the document."""
    said = ET.SubElement(case, tag, message=readable(message))
    if kind:
        said.set("type", kind)
    lines = [readable(line) for line in (message, *more.splitlines()) if line]
    said.text = "\n".join(lines)
