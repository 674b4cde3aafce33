"""Scan hosts from a client's point of view, and grade them."""

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from port443.app.scan import ScanOptions, Viewpoint
from port443.app.scan import scan as scan_one
from port443.cli import exits
from port443.cli.scan_bar import Bar
from port443.cli.scan_formats import Printer
from port443.cli.scan_options import Form
from port443.cli.scan_targets import Named, read_list
from port443.cli.spinner import Spinner
from port443.cli.stall import StallGuard
from port443.core.errors import ScanError
from port443.core.grade.baseline import Letter
from port443.core.grade.policy import Policy
from port443.core.grade.report import Failure, Report, ScanTarget
from port443.core.grade.severity import Severity
from port443.core.probe.failures import ScanFaulted, fault_in_words
from port443.scan_wiring import believable_now, make_dial, make_roots
from port443.settings.scan_request import read_policies, read_target

if TYPE_CHECKING:
    from port443.ports import Dial

AT_ONCE: Final = 8
"""Hosts that are scanned concurrently; each gets no more than a few connections."""
GRAVITY: Final = (exits.DEFECT, exits.USAGE, exits.UNDETERMINED, exits.FINDINGS, exits.DONE)
"""With several targets the first of these that any of them ended with is the exit code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The command line as written."""

    hosts: Sequence[str]
    listed: str | None
    """A file that names more, or `-`."""
    connect: str | None
    servername: str | None
    cacert: Path | None
    form: Form
    min_grade: Letter | None
    fail_on: Severity | None
    never_fails: bool
    """Whether no finding, however grave, may fail the run."""
    policies: Sequence[str]
    at: date | None
    http_port: int
    timeout_s: float
    all_addresses: bool
    light: bool
    revocation: bool


def run_scan(wish: Wish) -> int:
    """Scan the targets of the command line and return the exit code."""
    named = [Named(read_target(host, wish.connect, wish.servername)) for host in wish.hosts]
    named += read_list(wish.listed, wish.connect, wish.servername) if wish.listed else ()
    if not named:
        raise click.UsageError("name a host, or a list of hosts with --targets")
    now = believable_now()
    day = wish.at or now.date()
    bar = _bar(wish, read_policies(wish.policies, day), day)
    patience_s = min(wish.timeout_s, ScanOptions().patience_s)
    options = ScanOptions(
        patience_s, wish.timeout_s, wish.http_port, light=wish.light, revocation=wish.revocation
    )
    roots = make_roots(wish.cacert)
    view = Viewpoint(roots, now, roots_are_public=wish.cacert is None, rules_as_of=wish.at)
    places = {str(one.target): one.place for one in named if one.place}
    targets = [one.target for one in named]
    printer = Printer(wish.form, bar, now, places, compares=wish.all_addresses)
    return asyncio.run(_run(Run(targets, view, options, printer, all_addresses=wish.all_addresses)))


def _bar(wish: Wish, policy: Policy, day: date) -> Bar:
    """Merge flags over the policy over the defaults."""
    severity = None if wish.never_fails else wish.fail_on or policy.fail_on or Severity.HIGH
    return Bar(wish.min_grade or policy.min_grade, severity, policy.baselines, policy.tolerated(day))


@dataclass(frozen=True, slots=True)
class Run:
    """All parameters of one command line, parsed."""

    targets: Sequence[ScanTarget]
    view: Viewpoint
    options: ScanOptions
    printer: Printer
    all_addresses: bool


async def _run(run: Run) -> int:
    """Scan several concurrently; print each as soon as it and those before it are done.

    A Ctrl-C or SIGTERM ends the others; the finished ones are printed all the same.
    """
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, signal.raise_signal, signal.SIGINT)
    dial, turns = make_dial(), asyncio.Semaphore(AT_ONCE)
    targets = await _expanded(dial, run.targets) if run.all_addresses else run.targets
    results: dict[int, Report | Failure] = {}
    printer = run.printer
    with Spinner(len(targets)) as spinner, StallGuard():

        def tell(result: Report | Failure) -> None:
            spinner.clear()
            printer.tell(result)

        async def one(number: int, target: ScanTarget) -> None:
            async with turns:
                # Not the task's own result: a task that is cancelled as it ends has none.
                results[number] = await attempt(dial, target, run.view, run.options, spinner)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(*numbered)) for numbered in enumerate(targets)]
                for number, task in enumerate(tasks):
                    await task
                    tell(results[number])
        except asyncio.CancelledError:
            for number in sorted(results)[len(printer.codes) :]:
                tell(results[number])
            printer.conclude()
            raise
    printer.conclude()
    return next(code for code in GRAVITY if code in printer.codes)


async def _expanded(dial: "Dial", targets: Sequence[ScanTarget]) -> list[ScanTarget]:
    """Put a target for each of its addresses in the place of each name."""
    found: list[ScanTarget] = []
    for target in targets:
        try:
            places = () if target.connect else await dial.resolve(target.host, target.port)
        except ScanError:
            places = ()  # the scan itself reports the reason
        found += [replace(target, connect=place) for place in places] or [target]
    return found


async def attempt(
    dial: "Dial", target: ScanTarget, view: Viewpoint, options: ScanOptions, spinner: Spinner
) -> Report | Failure:
    """Scan one target; any error is the failure of this target."""
    try:
        return await scan_one(dial, target, view, options, lambda count: spinner.show(str(target), count))
    except ScanError as error:
        return Failure(target, view.now, error)
    except Exception as error:  # noqa: BLE001 - one host must not end the scan of the others
        return Failure(target, view.now, ScanFaulted(fault_in_words(error)))
    finally:
        spinner.done(str(target))
