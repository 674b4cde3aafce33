"""Look at hosts as a stranger would, and grade them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Final, get_args

import click

from port443.app.scan import ScanOptions, Viewpoint
from port443.app.scan import scan as scan_one
from port443.cli import exits
from port443.cli.options import json_option
from port443.cli.scan_bar import Bar
from port443.cli.scan_formats import Form, Printer
from port443.cli.scan_targets import Named, read_list
from port443.cli.scan_words import Duration, LetterGrade, read_policies, read_target
from port443.cli.spinner import Spinner
from port443.core.errors import ScanError
from port443.core.grade.baseline import Letter
from port443.core.grade.policy import Policy
from port443.core.grade.report import Failure, Report, ScanTarget
from port443.core.grade.rule import Severity
from port443.core.probe.failures import ScanFaulted, fault_in_words
from port443.ports import Dial
from port443.wiring import believable_now, make_dial, make_roots

AT_ONCE: Final = 8
"""Hosts looked at side by side; each gets no more than a few connections of its own."""
GRAVITY: Final = (exits.DEFECT, exits.USAGE, exits.UNDETERMINED, exits.FINDINGS, exits.DONE)
"""With several targets the first of these that any of them ended with is the exit code."""
NEVER: Final = "never"


@click.command
@click.argument("hosts", nargs=-1, metavar="HOST[:PORT]|URL...")
@click.option(
    "--targets", "listed", metavar="FILE", help="Scan what this file names too, one a line; - is stdin."
)
@click.option("--connect", metavar="ADDRESS[:PORT]", help="Connect there, whatever the resolver says.")
@click.option("--servername", metavar="NAME", help="Ask for this name, in TLS and in HTTP.")
@click.option(
    "--cacert",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Believe the roots in this PEM file, and no others. [default: the system's]",
)
@click.option(
    "--all-addresses", is_flag=True, help="Look at every address of a name, not only the first that answers."
)
@click.option("--format", "form", type=click.Choice(get_args(Form)), default="text", show_default=True)
@json_option()
@click.option(
    "--min-grade",
    type=LetterGrade(),
    metavar="GRADE",
    help="End with 1 when a grade is below this: A+, A, B …",
)
@click.option(
    "--fail-on",
    type=click.Choice([*(severity.value for severity in Severity), NEVER]),
    help="End with 1 when a finding is as grave as this, or graver. [default: high]",
)
@click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME|FILE",
    help="End with 1 when this is not met: a baseline (mozilla-intermediate, bcp195 …) or a policy.yaml.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DAY",
    help="Judge by the rules in force on this day, 2029-03-15. [default: today]",
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
    listed: str | None,
    form: Form,
    min_grade: Letter | None,
    fail_on: str | None,
    policies: tuple[str, ...],
    at: datetime | None,
    http_port: int,
    timeout: float,
    *,
    all_addresses: bool,
    as_json: bool,
) -> int:
    """Look at each host as a stranger would, and grade it.

    Ends with 0 when nothing grave was found and the wanted grade is met, with 1 when not, and with 3
    when that cannot be told.

    \b
    port443 scan example.com
    port443 scan https://localhost:8443/ --cacert root.pem --min-grade A
    port443 scan example.com --connect 192.0.2.7 --format json
    port443 scan --targets hosts.txt --format sarif --min-grade A > scan.sarif
    port443 scan example.com --policy mozilla-intermediate --policy bcp195
    port443 scan example.com --policy ca-browser-forum --at 2029-03-15
    port443 scan example.com --policy ./policy.yaml
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    named = [Named(read_target(host, connect, servername)) for host in hosts]
    named += read_list(listed, connect, servername) if listed else ()
    if not named:
        raise click.UsageError("name a host, or a list of hosts with --targets")
    now = believable_now()
    day = at.date() if at else now.date()
    bar = _bar(min_grade, fail_on, read_policies(policies, day), day)
    patience_s = min(timeout, ScanOptions().patience_s)
    options = ScanOptions(patience_s=patience_s, deadline_s=timeout, http_port=http_port)
    view = Viewpoint(
        make_roots(cacert), now, roots_are_public=cacert is None, rules_as_of=at.date() if at else None
    )
    places = {str(one.target): one.place for one in named if one.place}
    printer = Printer("json" if as_json else form, bar, now, places)
    run = Run([one.target for one in named], view, options, printer, all_addresses=all_addresses)
    return asyncio.run(_run(run))


def _bar(min_grade: Letter | None, fail_on: str | None, policy: Policy, day: date) -> Bar:
    """Put flags before what a policy asks for, and that before what is usual."""
    severity = None if fail_on == NEVER else Severity(fail_on) if fail_on else policy.fail_on or Severity.HIGH
    return Bar(min_grade or policy.min_grade, severity, policy.baselines, policy.tolerated(day))


@dataclass(frozen=True, slots=True)
class Run:
    """All that one command line asks for."""

    targets: Sequence[ScanTarget]
    view: Viewpoint
    options: ScanOptions
    printer: Printer
    all_addresses: bool


async def _run(run: Run) -> int:
    """Scan several at once; print each as soon as it and those before it are done.

    A Ctrl-C ends the others; what is done then is printed all the same.
    """
    dial, turns = make_dial(), asyncio.Semaphore(AT_ONCE)
    targets = await _expanded(dial, run.targets) if run.all_addresses else run.targets
    tasks: list[asyncio.Task[Report | Failure]] = []
    printer = run.printer
    with Spinner(len(targets)) as spinner:

        def tell(result: Report | Failure) -> None:
            spinner.clear()
            printer.tell(result)

        async def one(target: ScanTarget) -> Report | Failure:
            async with turns:
                return await attempt(dial, target, run.view, run.options, spinner)

        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(one(target)) for target in targets]
                for task in tasks:
                    tell(await task)
        except asyncio.CancelledError:
            for task in tasks[len(printer.codes) :]:
                if not task.cancelled():
                    tell(task.result())
            printer.conclude()
            raise
    printer.conclude()
    return next(code for code in GRAVITY if code in printer.codes)


async def _expanded(dial: Dial, targets: Sequence[ScanTarget]) -> list[ScanTarget]:
    """Put a target for each of its addresses in the place of each name."""
    found: list[ScanTarget] = []
    for target in targets:
        try:
            places = () if target.connect else await dial.resolve(target.host, target.port)
        except ScanError:
            places = ()  # the scan itself says why
        found += [replace(target, connect=place) for place in places] or [target]
    return found


async def attempt(
    dial: Dial, target: ScanTarget, view: Viewpoint, options: ScanOptions, spinner: Spinner
) -> Report | Failure:
    """Scan one target; whatever goes wrong with it is its own failure."""
    try:
        return await scan_one(dial, target, view, options, lambda count: spinner.show(str(target), count))
    except ScanError as error:
        return Failure(target, view.now, error)
    except Exception as error:  # noqa: BLE001 - what one host does must not end the scan of the others
        return Failure(target, view.now, ScanFaulted(fault_in_words(error)))
    finally:
        spinner.done(str(target))
