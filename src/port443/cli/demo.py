"""Serve two sample backends on loopback and grade them."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from port443.app.demo import DemoPlace, Step, demo_settings, demo_steps
from port443.app.scan import Viewpoint
from port443.app.serve import App, StopAsked
from port443.app.trust import FILE_NAMES
from port443.cli import output
from port443.cli.ending import Ending
from port443.cli.exits import FINDINGS, UNDETERMINED
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
BACKENDS = ("the first sample server", "the second sample server")


@dataclass(frozen=True, slots=True)
class _Scene:
    """The context of the demo."""

    directory: Path
    place: DemoPlace
    settings: str

    @property
    def config(self) -> Path:
        return self.directory / "port443.yaml"

    @property
    def root(self) -> Path:
        return public_file(self.directory / "state", FILE_NAMES["reserved"])


@click.command
@click.option("--once", is_flag=True, help="Run the steps, end everything, and report by the exit code.")
@click.option("--show-config", is_flag=True, help="Print the settings file that the demo serves.")
def demo(*, once: bool, show_config: bool) -> int:
    """Serve a site on TLS with two sample backends, prove it and grade it.

    It runs the same code as `port443 serve`, with its own store, CA and directory, which are removed
    afterwards. Ctrl-C ends it.

    \b
    port443 demo
    port443 demo --once
    port443 demo --show-config > port443.yaml
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    start_log(LogWish(level="error"))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # everything made so far is removed on exit
    if show_config:
        with _scene() as scene:
            output.data(scene.settings.rstrip())
        return 0
    try:
        return _run(once=once)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except StopAsked:
        output.data("  ended")
        return UNDETERMINED
    except Port443Error as error:
        _print(Step(_label(error), good=False, text=f"{error.message} ({error.code})", hint=error.hint))
        return UNDETERMINED


def _run(*, once: bool, attempts: int = ATTEMPTS) -> int:
    """Serve and show; when a port is taken between its check and its use, choose ports again."""
    with _scene() as scene:
        try:
            return asyncio.run(_show(scene, once=once))
        except EdgeError as error:
            if error.code != ADDRESS_IN_USE or attempts == 1:
                raise
    return _run(once=once, attempts=attempts - 1)


@contextmanager
def _scene() -> Iterator[_Scene]:
    with ExitStack() as stack:
        directory = stack.enter_context(private_directory("port443-demo-"))
        upstreams = stack.enter_context(sample_backends(BACKENDS, BACKEND_PORT))
        addresses = loopback_addresses()
        https, http = free_port(HTTPS_PORT, addresses), free_port(HTTP_PORT, addresses)
        place = DemoPlace(addresses, https, http)
        scene = _Scene(directory, place, demo_settings(place, upstreams))
        scene.config.write_text(scene.settings)
        yield scene


async def _show(scene: _Scene, *, once: bool) -> int:
    with Ending() as ending:
        return await _show_until(ending, scene, once=once)


async def _show_until(ending: Ending, scene: _Scene, *, once: bool) -> int:
    _print_other_ports(scene.place)
    state, runtime = scene.directory / "state", scene.directory / "run"
    options = ServeOptions(str(scene.config), state, runtime, ends_edge="always")
    async with serving(options, lambda: load(scene.config)) as app:
        all_good = await _go_through(scene, app)
        if once:
            return 0 if all_good else FINDINGS
        ending.started(app)
        output.data(f"  try       curl --cacert {scene.root} {scene.place.url}")
        output.data(output.runnable(f"            port443 status --runtime {runtime}"))
        output.data("            Ctrl-C ends it")
        await app.run()
    output.data("  ended")
    return 0 if all_good else FINDINGS


async def _go_through(scene: _Scene, app: App) -> bool:
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
