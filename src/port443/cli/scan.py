"""Look at hosts as a stranger would, and grade them."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import click

from port443 import __version__
from port443.app.scan import ScanOptions, Viewpoint
from port443.app.scan import scan as scan_one
from port443.cli import exits, output
from port443.cli.scan_text import LABEL, failure_lines, report_lines
from port443.cli.spinner import Spinner
from port443.core.errors import ScanError, SettingsError
from port443.core.grade.baseline import Letter
from port443.core.grade.document import scan_document
from port443.core.grade.report import Failure, Report, ScanTarget
from port443.core.grade.rule import Severity
from port443.core.names import Endpoint, HostName, IPName, NameInvalid, parse_site_name
from port443.ports import Dial
from port443.wiring import make_clock, make_dial, make_roots

AT_ONCE: Final = 8
"""Hosts looked at side by side; each gets no more than a few connections of its own."""
GRAVITY: Final = (exits.DEFECT, exits.USAGE, exits.UNDETERMINED, exits.FINDINGS, exits.DONE)
"""With several targets the first of these that any of them ended with is the exit code."""
HTTPS: Final = 443
SCALE: Final = [letter.value for letter in Letter if letter.rank <= Letter.F.rank]
PATIENCE_S: Final = ScanOptions().patience_s
DURATION: Final = re.compile(r"(\d{1,6})(s|m|)")


class TargetInvalid(SettingsError):
    """What was given to scan is no host.

    A target is a host name or an address, with a port when it is not 443: `example.com`,
    `localhost:8443`, `192.0.2.1`, `[2001:db8::1]:8443`.
    """

    code = "P443-E171"


class Duration(click.ParamType[float]):
    """`30s`, `2m`, or a bare number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        match = DURATION.fullmatch(str(value))
        if match is None or not int(match[1]):
            self.fail(f"{value!r} is no duration, such as 30s or 2m", param, ctx)
        return float(int(match[1]) * (60 if match[2] == "m" else 1))


@dataclass(frozen=True, slots=True)
class Bar:
    """What the command line asks the result to meet."""

    min_grade: Letter | None
    fail_on: Severity | None


@click.command
@click.argument("hosts", nargs=-1, required=True, metavar="HOST[:PORT]...")
@click.option("--connect", metavar="ADDRESS[:PORT]", help="Connect there, whatever the resolver says.")
@click.option("--servername", metavar="NAME", help="Ask for this name, in TLS and in HTTP.")
@click.option(
    "--cacert",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Believe the roots in this PEM file, and no others. [default: the system's]",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option(
    "--min-grade",
    type=click.Choice(
        [letter.value for letter in Letter if letter.rank <= Letter.F.rank], case_sensitive=False
    ),
    help="End with 1 when a grade is below this.",
)
@click.option(
    "--fail-on",
    type=click.Choice([severity.value for severity in Severity]),
    help="End with 1 when a finding is as grave as this, or graver.",
)
@click.option(
    "--http-port", type=click.IntRange(1, 65535), default=80, show_default=True, help="Where plain HTTP is."
)
@click.option(
    "--timeout", type=Duration(), default=60.0, metavar="TIME", help="For one host: 30s, 2m. [default: 60s]"
)
def scan(  # noqa: PLR0913, PLR0917 - one for each option
    hosts: tuple[str, ...],
    connect: str | None,
    servername: str | None,
    cacert: Path | None,
    form: Literal["text", "json"],
    min_grade: str | None,
    fail_on: str | None,
    http_port: int,
    timeout: float,
) -> int:
    """Look at each host as a stranger would, and grade it.

    Ends with 0 when everything asked for is met, with 1 when not, and with 3 when that cannot be told.

    \b
    port443 scan example.com
    port443 scan localhost:8443 --cacert root.pem --min-grade A
    port443 scan example.com --connect 192.0.2.7 --format json
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    targets = [read_target(host, connect, servername) for host in hosts]
    bar = Bar(Letter.parse(min_grade) if min_grade else None, Severity(fail_on) if fail_on else None)
    options = ScanOptions(
        deadline_s=timeout, patience_s=min(timeout, ScanOptions().patience_s), http_port=http_port
    )
    view = Viewpoint(make_roots(cacert), make_clock().now(), roots_are_public=cacert is None)
    return asyncio.run(_run(targets, view, options, bar, as_json=form == "json"))


def read_target(host: str, connect: str | None, servername: str | None) -> ScanTarget:
    """Read one target; a wildcard is none."""
    name, port = _host_and_port(host)
    asked = parse_site_name(servername) if servername else None
    where = _endpoint(connect, port) if connect else None
    target = ScanTarget(name, port, asked, where)
    if isinstance(target.name, HostName) and target.name.is_wildcard:
        raise TargetInvalid(f"{target.name} is a wildcard, not a host", "name one host of it")
    return target


def _host_and_port(text: str) -> tuple[HostName | IPName, int]:
    bare = text.strip()
    if "://" in bare:
        raise TargetInvalid(
            f"{text!r} is a URL", f"give the host alone: {bare.split('://')[1].split('/')[0]}"
        )
    try:
        return IPName.parse(bare), HTTPS
    except NameInvalid:
        host, colon, port = bare.rpartition(":")
        if not colon:
            return parse_site_name(bare), HTTPS
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) <= 65535):
            raise TargetInvalid(
                f"{port!r} in {text!r} is no port", "a port is a number from 1 to 65535"
            ) from None
        return parse_site_name(host), int(port)


def _endpoint(text: str, port: int) -> Endpoint:
    try:
        return Endpoint(IPName.parse(text).text, port)
    except NameInvalid:
        return Endpoint.parse(text)


async def _run(
    targets: Sequence[ScanTarget], view: Viewpoint, options: ScanOptions, bar: Bar, *, as_json: bool
) -> int:
    """Scan several at once; print each as soon as it and those before it are done."""
    dial, turns = make_dial(), asyncio.Semaphore(AT_ONCE)
    results: list[tuple[Report | Failure, int]] = []
    with Spinner(len(targets)) as spinner:

        async def one(target: ScanTarget) -> Report | Failure:
            async with turns:
                return await _attempt(dial, target, view, options, spinner)

        async with asyncio.TaskGroup() as tasks:
            for task in [tasks.create_task(one(target)) for target in targets]:
                result = await task
                results.append((result, exit_code_of(result, bar)))
                if not as_json:
                    spinner.clear()
                    _print(*results[-1], bar, is_first=len(results) == 1)
    if as_json:
        output.data_json(scan_document(results, __version__, view.now))
    codes = {exit_code for _, exit_code in results}
    return next(code for code in GRAVITY if code in codes)


async def _attempt(
    dial: Dial, target: ScanTarget, view: Viewpoint, options: ScanOptions, spinner: Spinner
) -> Report | Failure:
    try:
        return await scan_one(dial, target, view, options, lambda count: spinner.show(str(target), count))
    except ScanError as error:
        return Failure(target, view.now, error)
    finally:
        spinner.done(str(target))


def exit_code_of(result: Report | Failure, bar: Bar) -> int:
    """Say what a result amounts to against the bar; what cannot be told is not met."""
    if isinstance(result, Failure):
        return exits.exit_code_of(result.error)
    letter = result.grade.letter
    if bar.fail_on and any(one.severity.rank <= bar.fail_on.rank for one in result.judgement.findings):
        return exits.FINDINGS
    if letter is not None and bar.min_grade is not None and letter.rank > bar.min_grade.rank:
        return exits.FINDINGS
    unsure = letter is None or (bar.min_grade is not None and result.grade.at_best)
    return exits.UNDETERMINED if unsure or (bar.fail_on and _could_fail(result, bar.fail_on)) else exits.DONE


def _could_fail(report: Report, severity: Severity) -> bool:
    return any(one.severity.rank <= severity.rank for one in report.judgement.undetermined)


def _print(result: Report | Failure, exit_code: int, bar: Bar, *, is_first: bool) -> None:
    if not is_first:
        output.data("")
    lines = failure_lines(result) if isinstance(result, Failure) else report_lines(result)
    for line in lines:
        output.data(line)
    if bar.min_grade and exit_code == exits.FINDINGS and isinstance(result, Report):
        output.data(f"  {'wanted':<{LABEL}}{bar.min_grade.value} or better")
