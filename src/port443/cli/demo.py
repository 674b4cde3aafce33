"""Serve two sample backends on loopback and grade them."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from port443.app.demo import DemoCA, DemoPlace, Step, demo_settings, demo_steps
from port443.app.scan import Viewpoint
from port443.app.serve import App, StopAsked
from port443.app.trust import FILE_NAMES
from port443.cli import output
from port443.cli.ending import Ending
from port443.cli.exits import FINDINGS, UNDETERMINED
from port443.cli.line import Line
from port443.cli.logs import start_log
from port443.core.errors import CertificateError, EdgeError, Port443Error
from port443.core.plan.desired import LogWish
from port443.scan_wiring import make_dial, make_roots
from port443.settings.load import load
from port443.wiring import (
    ServeOptions,
    free_port,
    loopback_addresses,
    make_clock,
    private_directory,
    public_file,
    sample_backends,
    serving,
)

HTTPS_PORT, HTTP_PORT, BACKEND_PORT = 8443, 8080, 9001
ATTEMPTS = 3
ADDRESS_IN_USE = "P443-E310"
_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
BACKENDS = ("the first sample server", "the second sample server")


@dataclass(frozen=True, slots=True)
class _Choice:
    """What was asked for instead of what the demo chooses by itself."""

    issuer: str | None
    cacert: Path | None
    root: Path | None
    https_port: int | None
    http_port: int | None

    @property
    def has_ports(self) -> bool:
        return bool(self.https_port or self.http_port)


@dataclass(frozen=True, slots=True)
class _Scene:
    """The context of the demo."""

    directory: Path
    place: DemoPlace
    settings: str
    given_root: Path | None
    """Of a CA that is not ours."""
    has_given_ports: bool

    @property
    def config(self) -> Path:
        return self.directory / "port443.yaml"

    @property
    def root(self) -> Path:
        return self.given_root or public_file(self.directory / "state", FILE_NAMES["reserved"])


@click.command
@click.option("--once", is_flag=True, help="Run the steps, end everything, and report by the exit code.")
@click.option("--show-config", is_flag=True, help="Print the settings file that the demo serves.")
@click.option("--issuer", metavar="URL", help="Order the certificate from this ACME CA; needs --cacert.")
@click.option("--cacert", type=_FILE, metavar="FILE", help="Roots of that CA's own HTTPS.")
@click.option("--root", type=_FILE, metavar="FILE", help="Root of what that CA issues.")
@click.option(
    "--https-port", type=click.IntRange(1, 65535), metavar="N", help="[default: 8443 or a free one]"
)
@click.option("--http-port", type=click.IntRange(1, 65535), metavar="N", help="[default: 8080 or a free one]")
def demo(*, once: bool, show_config: bool, **given: Any) -> int:
    """Serve a site on TLS with two sample backends, prove it and grade it.

    It runs the same code as `port443 serve`, with its own store, CA and directory, which are removed
    afterwards. Ctrl-C ends it.

    \b
    port443 demo
    port443 demo --once
    port443 demo --show-config > port443.yaml
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    choice = _Choice(**given)
    if bool(choice.issuer) != bool(choice.cacert):
        raise click.UsageError("--issuer and --cacert go together")
    start_log(LogWish(level="error"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything made so far is removed on exit
    if show_config:
        with _scene(choice) as scene:
            output.data(scene.settings.rstrip())
        return 0
    try:
        return _run(choice, once=once)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except StopAsked:
        output.data("  ended")
        return UNDETERMINED
    except Port443Error as error:
        _print(Step(_label(error), good=False, text=f"{error.message} ({error.code})", hint=error.hint))
        return UNDETERMINED


def _run(choice: _Choice, *, once: bool, attempts: int = ATTEMPTS) -> int:
    """Serve and show; when a port is taken between its check and its use, choose ports again."""
    with _scene(choice) as scene:
        try:
            return asyncio.run(_show(scene, once=once))
        except EdgeError as error:
            if error.code != ADDRESS_IN_USE or attempts == 1:
                raise
    return _run(choice, once=once, attempts=attempts - 1)


@contextmanager
def _scene(choice: _Choice) -> Iterator[_Scene]:
    with ExitStack() as stack:
        directory = stack.enter_context(private_directory("port443-demo-"))
        upstreams = stack.enter_context(sample_backends(BACKENDS, BACKEND_PORT))
        addresses = loopback_addresses()
        https = choice.https_port or free_port(HTTPS_PORT, addresses)
        http = choice.http_port or free_port(HTTP_PORT, addresses)
        place = DemoPlace(addresses, https, http)
        ca = DemoCA(choice.issuer, choice.cacert) if choice.issuer and choice.cacert else None
        scene = _Scene(directory, place, demo_settings(place, upstreams, ca), choice.root, choice.has_ports)
        scene.config.write_text(scene.settings)
        yield scene


async def _show(scene: _Scene, *, once: bool) -> int:
    with Ending() as ending:
        return await _show_until(ending, scene, once=once)


async def _show_until(ending: Ending, scene: _Scene, *, once: bool) -> int:
    if not scene.has_given_ports:
        _print_other_ports(scene.place)
    state, runtime = scene.directory / "state", scene.directory / "run"
    options = ServeOptions(str(scene.config), state, runtime, ends_edge="always")
    async with serving(options, lambda: load(scene.config)) as app, asyncio.TaskGroup() as group:
        group.create_task(app.run())
        all_good = await _go_through(scene, app)
        if once:
            app.request_stop()
        else:
            ending.started(app)
            output.data(f"  try       curl --cacert {scene.root} {scene.place.url}")
            output.data(output.runnable(f"            port443 status --runtime {runtime}"))
            output.data("            Ctrl-C ends it")
    if not once:
        output.data("  ended")
    return 0 if all_good else FINDINGS


async def _go_through(scene: _Scene, app: App) -> bool:
    with Line() as line:
        async for text in app.awaited():
            line.show("cert", text)
    view = Viewpoint(make_roots(scene.root), make_clock().now(), roots_are_public=False)
    all_good = True
    async for step in demo_steps(app.round, await app.edge_identity(), scene.place, make_dial(), view):
        _print(step)
        all_good = all_good and step.good
    return all_good


def _print_other_ports(place: DemoPlace) -> None:
    for wanted, chosen in ((HTTPS_PORT, place.https_port), (HTTP_PORT, place.http_port)):
        if wanted != chosen:
            output.step("note", "port", f"{wanted} is taken; {chosen} is used", err=False)


def _print(step: Step) -> None:
    output.step("good" if step.good else "bad", step.label, step.text, err=False)
    if step.hint:
        output.data(f"  {output.hint(step.hint)}")


def _label(error: Port443Error) -> str:
    match error:
        case EdgeError():
            return "edge"
        case CertificateError():
            return "cert"
        case _:
            return "serving"
