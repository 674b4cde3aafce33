"""What `scan` prints in each format, and what its lists of targets may hold."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from port443.cli.scan_bar import Bar
from port443.cli.scan_formats import Printer
from port443.cli.scan_options import Form
from port443.cli.scan_targets import MAX_TARGETS, ListUnreadable, read_list
from port443.core.grade.baseline import Letter
from port443.core.grade.baselines import BASELINES
from port443.core.grade.catalogue import RULES
from port443.core.grade.facts import ScanFacts
from port443.core.grade.fold import grade, judge
from port443.core.grade.report import Failure, Report, ScanTarget
from port443.core.grade.rule import Severity
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.core.names import Endpoint, HostName
from port443.core.probe.facts import VersionFacts
from port443.core.probe.failures import HostSilent
from port443.core.wire.versions import Version
from port443.settings.scan_request import TargetInvalid
from scan_facts import GOOD_WEB, HIDDEN, good, version, with_version, with_web

CONTRACT = Path(__file__).parents[3] / "contract"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OLD = with_version(version(Version.TLS_1_0, 0xC013))
HIDES = with_version(VersionFacts(Version.TLS_1_0, HIDDEN))
SPOILT = replace(GOOD_WEB, hsts_text="max-age=0\x1b]0;\x00</failure>", hsts_fault="broken", policy=None)
HOSTILE = with_web(SPOILT)
Capture = pytest.CaptureFixture[str]
FAILED = Failure(ScanTarget(HostName("b.test")), NOW, HostSilent("b.test answers no TLS", "try again"))
STRICT = Bar(Letter.A, Severity.MEDIUM, BASELINES[:1])


def report(facts: ScanFacts) -> Report:
    judgement = judge(RULES, facts)
    graded = grade(judgement, facts, SSL_LABS_2009R)
    place = Endpoint("192.0.2.1", 443)
    return Report(ScanTarget(HostName("a.test")), place, (), (), NOW, 0.25, 40, facts, judgement, graded)


def printed(
    capsys: Capture,
    form: Form,
    *results: Report | Failure,
    bar: Bar = STRICT,
    at: Any = None,
) -> str:
    printer = Printer(form, bar, NOW, at or {})
    for result in results:
        printer.tell(result)
    printer.conclude()
    return capsys.readouterr().out


def test_each_line_of_jsonl_is_a_document(capsys: Capture) -> None:
    """One for each target, by the schema of the whole, printed as soon as it is there."""
    schema = json.loads((CONTRACT / "scan.schema.json").read_text())
    printer = Printer("jsonl", STRICT, NOW)
    for result in (report(OLD), FAILED):
        printer.tell(result)
        (line,) = capsys.readouterr().out.splitlines()
        document = json.loads(line)
        jsonschema.validate(document, schema)
        assert [one["target"] for one in document["targets"]] == [str(result.target)]
    printer.conclude()
    assert capsys.readouterr().out == ""


def sarif(capsys: Capture, *results: Report | Failure, at: Any = None) -> dict[str, Any]:
    document = json.loads(printed(capsys, "sarif", *results, at=at))
    jsonschema.validate(document, json.loads((CONTRACT / "sarif.schema.json").read_text()))
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def fingerprints(run: dict[str, Any]) -> list[str]:
    return [one["partialFingerprints"]["port443/v1"] for one in run["results"]]


def test_sarif_has_findings_and_doubts_with_stable_fingerprints(capsys: Capture) -> None:
    """The same finding of the same target has the same one in the next run; another target's differs."""
    first, again = sarif(capsys, report(OLD)), sarif(capsys, report(OLD))
    (found,) = [one for one in first["results"] if one["ruleId"] == "P443-TLS-003"]
    assert (found["level"], first["tool"]["driver"]["rules"][found["ruleIndex"]]["id"]) == (
        "warning",
        "P443-TLS-003",
    )
    assert first["results"] == again["results"]
    prints = [one["partialFingerprints"]["port443/v1"] for one in first["results"]]
    assert len(set(prints)) == len(prints)
    other = replace(report(OLD), target=ScanTarget(HostName("c.test")))
    assert not set(prints) & {
        one["partialFingerprints"]["port443/v1"] for one in sarif(capsys, other)["results"]
    }
    doubts = [one for one in sarif(capsys, report(HIDES))["results"] if one["ruleId"] == "P443-TLS-003"]
    assert [(one["kind"], one["level"]) for one in doubts] == [("open", "none")]


def test_sarif_stands_at_the_line_that_named_the_target(capsys: Capture) -> None:
    """Code hosts show it there; without a list the target's own address has to do."""
    place = {"a.test:443": ("hosts.txt", 7)}
    for at, uri, line in ((place, "hosts.txt", 7), (None, "https://a.test:443/", None)):
        physical = sarif(capsys, report(OLD), at=at)["results"][0]["locations"][0]["physicalLocation"]
        assert physical["artifactLocation"]["uri"] == uri
        assert physical.get("region", {}).get("startLine") == line


def test_sarif_names_what_was_not_scanned(capsys: Capture) -> None:
    """A clean run has no results, a failed one says so: the two are not the same."""
    clean, failed = sarif(capsys, report(good())), sarif(capsys, FAILED)
    assert (clean["results"], clean["invocations"][0]["executionSuccessful"]) == ([], True)
    (note,) = failed["invocations"][0]["toolExecutionNotifications"]
    assert failed["invocations"][0]["executionSuccessful"] is False
    assert "b.test" in note["message"]["text"]


def suites(capsys: Capture, *results: Report | Failure, bar: Bar = STRICT) -> list[ET.Element]:
    root = ET.fromstring(printed(capsys, "junit", *results, bar=bar))  # noqa: S314 - our own output
    for suite in [root, *root]:
        assert suite.get("tests") == str(len(suite.findall(".//testcase")))
        assert suite.get("failures") == str(len(suite.findall(".//failure")))
    return list(root)


def named(suite: ET.Element, tag: str) -> set[str]:
    cases = [case for case in suite if case.find(tag) is not None]
    return {(case.get("name") or "").split(" ")[0] for case in cases}


def test_junit_fails_what_the_bar_does_not_allow(capsys: Capture) -> None:
    """A finding over the bar, the grade and the baseline; a milder finding passes and is told."""
    (suite,) = suites(capsys, report(OLD))
    assert named(suite, "failure") == {"P443-TLS-003", "grade", "baseline"}
    assert "P443-TLS-017" in named(suite, "system-out")
    assert len(suite) == len(RULES) + 2
    (mild,) = suites(capsys, report(OLD), bar=Bar(None, None))
    assert named(mild, "failure") == set()


def test_junit_tells_doubts_and_failures_apart(capsys: Capture) -> None:
    """What could not be told is skipped, a host that does not answer is an error."""
    unsure, failed = suites(capsys, report(HIDES), FAILED)
    assert {"P443-TLS-003", "grade"} <= named(unsure, "skipped")
    assert named(failed, "error") == {"scan"}
    assert (unsure.get("time"), failed.get("time")) == ("0.250", "0")


def test_what_a_server_says_breaks_no_document(capsys: Capture) -> None:
    """Control characters and tags stay text."""
    (suite,) = suites(capsys, report(HOSTILE))
    assert any("</failure>" in (element.text or "") for element in suite.iter("failure"))
    sarif(capsys, report(HOSTILE))


def test_a_list_has_a_target_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments and empty lines are passed over; each knows its line, but in standard input."""
    text = "# ours\na.test\n\n b.test:8443  # the other one\nhttps://c.test/\n"
    path = tmp_path / "hosts.txt"
    path.write_text(text)
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    named = list(read_list(str(path), None, None))
    assert [str(one.target) for one in named] == ["a.test:443", "b.test:8443", "c.test:443"]
    assert [one.place for one in named] == [(str(path), line) for line in (2, 4, 5)]
    piped = list(read_list("-", None, None))
    assert [one.target for one in piped] == [one.target for one in named]
    assert {one.place for one in piped} == {None}


def test_a_wrong_line_of_a_list_is_named(tmp_path: Path) -> None:
    """With the file, the line, and what is wrong there."""
    path = tmp_path / "hosts.txt"
    path.write_text("a.test\nftp://b.test/\n")
    with pytest.raises(
        TargetInvalid, match=r"hosts\.txt:2: ftp:// in 'ftp://b\.test/' does not start with TLS"
    ):
        list(read_list(str(path), None, None))


@pytest.mark.parametrize("what", ["binary", "absent", "long"])
def test_a_list_that_cannot_be_read_is_a_usage_error(tmp_path: Path, what: str) -> None:
    """One sentence with the cause, and no traceback."""
    path = tmp_path / "hosts.txt"
    if what == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    elif what == "long":
        path.write_text("a.test\n" * (MAX_TARGETS + 1))
    with pytest.raises(ListUnreadable) as caught:
        list(read_list(str(path), None, None))
    assert caught.value.hint
