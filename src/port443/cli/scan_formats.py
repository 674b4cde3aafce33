"""The formats of a scan's output: what is printed for each target, and what at the end."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from port443 import __version__
from port443.cli import exits, output
from port443.cli.scan_bar import Bar, assessments, exit_code_of
from port443.cli.scan_lines import LABEL
from port443.cli.scan_options import Form
from port443.core.grade.report import Failure, Place, Report

if TYPE_CHECKING:
    from port443.core.grade.document import Document

# What writes a format is loaded by the runs that write it.
# ruff: noqa: PLC0415


@dataclass(slots=True)
class Printer:
    """Takes each result once, in the order of the targets."""

    form: Form
    bar: Bar
    started: datetime
    places: Mapping[str, Place] = field(default_factory=dict)
    """Where targets were named, by the target."""
    compares: bool = False
    """Whether the targets are addresses of names, which are held beside each other at the end."""
    codes: list[int] = field(default_factory=list)
    """The exit code of each result."""
    _kept: list[tuple[Report | Failure, int]] = field(default_factory=list)
    _reports: list[Report] = field(default_factory=list)

    def tell(self, result: Report | Failure) -> None:
        """Take a result, and print it in a format that has a place for each."""
        self.codes.append(exit_code_of(result, self.bar))
        if isinstance(result, Report) and (self.compares or not self._reports):
            self._reports.append(result)
        if self.form == "text":
            self._tell_people(result, self.codes[-1])
        elif self.form == "jsonl":
            output.data(json.dumps(self._document([(result, self.codes[-1])])))
        else:
            self._kept.append((result, self.codes[-1]))

    def conclude(self) -> None:
        """Print what stands once, behind or around all results."""
        if self.form == "text" and self._reports:
            self._compare()
            from port443.cli.scan_text import legend

            output.data(f"\n{legend()}")
        elif self.form == "jsonl" and self.compares:
            output.data(json.dumps(self._document([])))
        elif self.form == "json":
            output.data_json(self._document(self._kept))
        elif self.form == "sarif":
            from port443.core.grade.sarif import sarif_document

            output.data_json(sarif_document(self._kept, __version__, self.places))
        elif self.form == "junit":
            from port443.cli.scan_junit import junit_text

            output.data(junit_text(self._kept, self.bar))

    def _document(self, results: Sequence[tuple[Report | Failure, int]]) -> "Document":
        from port443.core.grade.document import scan_document, with_comparisons

        document = scan_document(results, __version__, self.started, self.bar.policies, self.bar.tolerated)
        is_last = self.form == "json" or not results
        return with_comparisons(document, self._reports) if self.compares and is_last else document

    def _compare(self) -> None:
        if self.compares:
            from port443.cli.scan_compared import compared_lines

            for line in compared_lines(self._reports):
                output.data(line)

    def _tell_people(self, result: Report | Failure, exit_code: int) -> None:
        from port443.cli.scan_text import failure_lines, report_lines

        if len(self.codes) > 1:
            output.data("")
        if isinstance(result, Failure):
            lines = failure_lines(result)
        else:
            lines = report_lines(result, assessments(result, self.bar), self.bar.tolerated)
        for line in lines:
            output.data(line)
        if self.bar.min_grade and exit_code == exits.FINDINGS:
            output.data(f"  {'wanted':<{LABEL}}{self.bar.min_grade.value} or better")
