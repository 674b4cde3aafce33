"""Findings as SARIF 2.1.0, for code hosts that show them beside the code.

A host has no file. A result is located at the line that named the target, where there is one; its logical
location and its fingerprint name the target itself, so that the same finding is the same alert next time.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from port443.core.grade.catalogue import RULE_OF, RULES
from port443.core.grade.document import Document, Value
from port443.core.grade.fold import Finding, Undetermined
from port443.core.grade.report import Failure, Place, Report, ScanTarget
from port443.core.grade.rule import Rule, Severity

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "3.0",
    Severity.INFO: "0.0",
}
"""`security-severity`, by which GitHub sorts: critical from 9.0, high from 7.0, medium from 4.0."""


def sarif_document(
    results: Sequence[tuple[Report | Failure, int]], version: str, places: Mapping[str, Place]
) -> Document:
    """Make one run; `places` has the lines of the targets."""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "port443",
                        "version": version,
                        "rules": [_rule(rule) for rule in RULES],
                    }
                },
                "invocations": [_invocation([one for one, _ in results])],
                "results": [
                    result
                    for one, _ in results
                    if isinstance(one, Report)
                    for result in _results(one, places)
                ],
            }
        ],
    }


def _rule(rule: Rule) -> Document:
    fixes = "\n".join(f"- {server}: {text}" for server, text in rule.remedy.fixes.items())
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"To do: {rule.remedy.what}.\n{fixes}"},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"security-severity": SCORES[rule.severity], "tags": ["security", "tls"]},
    }


def _invocation(results: Iterable[Report | Failure]) -> Document:
    failures = [one for one in results if isinstance(one, Failure)]
    notes: list[Value] = [
        {
            "level": "error",
            "descriptor": {"id": one.error.code},
            "message": {"text": f"{one.target}: {one.error.message}"},
        }
        for one in failures
    ]
    return {"executionSuccessful": not failures, "toolExecutionNotifications": notes}


def _results(report: Report, places: Mapping[str, Place]) -> Iterable[Document]:
    for finding in report.judgement.findings:
        text = f"{report.target}: {finding.title}: {finding.evidence}"
        yield {
            **_head(report.target, finding, places),
            "level": LEVELS[finding.severity],
            "message": {"text": text},
        }
    for doubt in report.judgement.undetermined:
        text = f"{report.target}: not determined: {doubt.title}: {doubt.reason}"
        yield {
            **_head(report.target, doubt, places),
            "kind": "open",
            "level": "none",
            "message": {"text": text},
        }


def _head(target: ScanTarget, one: Finding | Undetermined, places: Mapping[str, Place]) -> Document:
    file, line = places.get(str(target), (f"https://{target}/", 0))
    physical: Document = {"artifactLocation": {"uri": file}}
    if line:
        physical["region"] = {"startLine": line}
    seen_as = f"{one.id} {target} {target.name} {target.connect or ''}"
    return {
        "ruleId": one.id,
        "ruleIndex": RULES.index(RULE_OF[one.id]),
        "locations": [
            {
                "physicalLocation": physical,
                "logicalLocations": [{"fullyQualifiedName": str(target), "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"port443/v1": hashlib.sha256(seen_as.encode()).hexdigest()},
    }
