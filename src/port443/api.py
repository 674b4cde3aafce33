"""Scan from Python: `from port443 import scan, ScanOptions, Policy`.

Results are frozen and hold everything that was seen. Nothing is read or connected to before a call.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from os import PathLike, fspath
from pathlib import Path
from typing import Final

from port443 import __version__
from port443.app.scan import ScanOptions as Probing
from port443.app.scan import Viewpoint
from port443.app.scan import scan as scan_target
from port443.core.grade.baseline import Letter
from port443.core.grade.document import Document, scan_document
from port443.core.grade.fold import Finding, Undetermined
from port443.core.grade.policy import Policy
from port443.core.grade.report import Report
from port443.core.grade.requirement import Assessment, Level, Standing
from port443.core.grade.severity import Severity
from port443.core.grade.tolerance import assess_tolerantly
from port443.scan_wiring import believable_now, make_dial, make_roots
from port443.settings.scan_request import read_policies, read_target

__all__ = ["Policy", "ScanOptions", "ScanResult", "read_policy", "scan", "scan_async"]
PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """Options of a scan."""

    server_name: str | None = None
    """The server name to send, when it differs from the host."""
    connect: str | None = None
    """The address to connect to, with or without a port, instead of the resolver's answer."""
    ca_file: Path | None = None
    """A PEM file of trusted roots; by default those of the system."""
    http_port: int = 80
    timeout_s: float = 60.0
    """For the whole scan."""
    rules_as_of: date | None = None
    """The day whose rules judge; today without it."""
    revocation: bool = False
    """Whether the CAs are asked, by OCSP or for their lists."""
    light: bool = False
    """Whether versions, certificates and first choices are enough: a few connections, and no lists."""


DEFAULTS: Final = ScanOptions()


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The result of a scan."""

    report: Report
    rules_as_of: date

    @property
    def letter(self) -> Letter | None:
        """The grade; None when it is withheld."""
        return self.report.grade.letter

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The gravest first."""
        return self.report.judgement.findings

    @property
    def undetermined(self) -> tuple[Undetermined, ...]:
        """The ids of rules that could not be evaluated, with the reason."""
        return self.report.judgement.undetermined

    def assess(self, policy: Policy) -> tuple[Assessment, ...]:
        """Hold the server against every baseline of a policy."""
        tolerated = policy.tolerated(self.rules_as_of)
        return assess_tolerantly(policy.baselines, self.report.facts, self.report.judgement, tolerated)

    def objections(self, policy: Policy) -> "Objections":
        """Say what keeps the server from meeting a policy, one sentence each; empty when it meets it.

        A rule that could not be evaluated is an objection too.
        """
        return Objections(
            (*self._about_grade(policy), *self._about_findings(policy), *self._about_baselines(policy))
        )

    def document(self) -> Document:
        """Return the document that `port443 scan --format json` prints, for exit code 0."""
        return scan_document([(self.report, 0)], __version__, self.report.started)

    def _about_grade(self, policy: Policy) -> list[str]:
        wanted, grade = policy.min_grade, self.report.grade
        if wanted is None:
            return []
        if grade.letter is None:
            return [f"the grade is withheld: {grade.withheld}"]
        caps = "; ".join(cap.reason for cap in grade.caps if cap.letter.rank > wanted.rank)
        if grade.letter.rank > wanted.rank:
            return [f"the grade is {grade.letter.value}, required is {wanted.value}: {caps}"]
        return (
            [f"the grade is {grade.letter.value} at best: {', '.join(grade.doubts)}"] if grade.at_best else []
        )

    def _about_findings(self, policy: Policy) -> list[str]:
        tolerated, most = policy.tolerated(self.rules_as_of), policy.fail_on
        if most is None:
            return []
        found = [f"{one.id} {one.title}: {one.evidence}" for one in self.findings
                 if one.severity.rank <= most.rank and one.id not in tolerated]  # fmt: skip
        return found + [
            f"{one.id} could not be evaluated: {one.reason}"
            for one in self.undetermined
            if one.severity.rank <= most.rank and one.id not in tolerated
        ]

    def _about_baselines(self, policy: Policy) -> list[str]:
        return [
            f"{assessment.baseline.id}: {one.requirement.text}: {one.reason}"
            for assessment in self.assess(policy)
            for one in assessment.results
            if one.requirement.level is Level.MUST and one.standing in {Standing.BROKEN, Standing.UNKNOWN}
        ]


class Objections(tuple[str, ...]):
    """What keeps a server from meeting a policy; pytest shows it one a line."""

    __slots__ = ()


def marked_policy(
    *,
    min_grade: str | None = None,
    fail_on: str | None = None,
    policy: str | PathLike[str] | Iterable[str | PathLike[str]] = (),
) -> Policy:
    """Make the policy of `@pytest.mark.tls`; raises ValueError for an unknown grade or severity."""
    names = (policy,) if isinstance(policy, str | PathLike) else tuple(policy)
    read = read_policy(*names)
    return replace(
        read,
        min_grade=read.min_grade if min_grade is None else Letter.parse(min_grade),
        fail_on=read.fail_on if fail_on is None else Severity(fail_on),
    )


def read_policy(*names: str | PathLike[str], as_of: date | None = None) -> Policy:
    """Put baselines, by their names, and policy files together; raises `SettingsError` with its place.

    Names are those of `port443 scan --policy`; of a family the edition that is in force on `as_of`, or today.
    """
    return read_policies([fspath(name) for name in names], as_of or believable_now().date())


def scan(target: str, options: ScanOptions = DEFAULTS) -> ScanResult:
    """Scan a host, `host:port` or URL; raises `ScanError` when the host cannot be scanned at all.

    In a running event loop use `scan_async`.
    """
    return asyncio.run(scan_async(target, options))


async def scan_async(target: str, options: ScanOptions = DEFAULTS) -> ScanResult:
    """Scan like `scan`, in the running event loop."""
    now = believable_now()
    wanted = read_target(target, options.connect, options.server_name)
    view = Viewpoint(make_roots(options.ca_file), now, roots_are_public=options.ca_file is None)
    probing = Probing(
        min(options.timeout_s, PATIENCE_S),
        options.timeout_s,
        options.http_port,
        light=options.light,
        revocation=options.revocation,
    )
    view = replace(view, rules_as_of=options.rules_as_of)
    report = await scan_target(make_dial(), wanted, view, probing)
    return ScanResult(report, options.rules_as_of or now.date())
