"""Serve sites from flags or a settings file."""

import asyncio
import dataclasses
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from port443.app.serve import App, EndsEdge, StopAsked
from port443.cli import output
from port443.cli.ending import Ending
from port443.cli.line import Line
from port443.cli.logs import log_fault, start_log
from port443.cli.options import log_options, runtime_option, settings_argument, state_option
from port443.core.contract.bounds import MAX_WORKERS
from port443.core.errors import Port443Error
from port443.core.plan.desired import Desired
from port443.scan_wiring import make_roots
from port443.settings.default_file import settings_file
from port443.settings.flags import ServeFlags, from_flags
from port443.settings.load import load
from port443.wiring import ServeOptions, find_roots, make_clock, serving

log = logging.getLogger("port443")


@dataclass(frozen=True, slots=True)
class _Source:
    """The source of the settings, and how to read them again."""

    name: str
    read: Callable[[], Desired]


@click.command
@settings_argument()
@click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="The same as FILE.")
@click.option("--domain", "domains", multiple=True, metavar="NAME", help="A name to serve; repeatable.")
@click.option("--to", "upstreams", multiple=True, metavar="URL", help="http:// server behind it; repeatable.")
@click.option("--bind", "addresses", multiple=True, metavar="ADDR", help="Address. [default: all]")
@click.option("--https-port", type=click.IntRange(1, 65535), metavar="N", help="[default: 443]")
@click.option("--http-port", type=click.IntRange(1, 65535), metavar="N", help="[default: 80]")
@click.option(
    "--issuer",
    metavar="CA",
    help="local, letsencrypt, or another CA by its name or the URL of its "
    "ACME directory. [default: local for names that no public CA certifies]",
)
@click.option("--email", metavar="ADDR", help="Where the CA writes to about the account.")
@click.option("--agree-tos", is_flag=True, help="Agree to the CA's terms of service.")
@click.option(
    "--cacert", metavar="FILE", help="Roots to believe when speaking to the CA. [default: the system's]"
)
@click.option("--eab-key-id", metavar="ID", help="External account binding: the key id from the CA.")
@click.option("--eab-key-file", metavar="FILE", help="External account binding: a file with the MAC key.")
@click.option("--workers", type=click.IntRange(1, MAX_WORKERS), metavar="N", help="[default: one per core]")
@click.option(
    "--edge", type=click.Choice(["spawned", "external"]), default="spawned", help="Who runs the edge."
)
@log_options()
@state_option()
@runtime_option()
def serve(
    file: Path | None, config: Path | None, edge: str, state: Path | None, runtime: Path | None, **flags: Any
) -> None:
    """Serve port 443: from a settings file, or one site from flags.

    Without FILE and flags it is ./port443.yaml, else /etc/port443/port443.yaml.

    Ctrl-C, SIGTERM, SIGQUIT and `port443 stop` answer every open request and end; a second signal ends at
    once. SIGHUP and `port443 reload` read the settings again.

    \b
    port443 serve port443.yaml
    port443 serve --domain app.localhost --to http://127.0.0.1:9000 --https-port 8443 --http-port 8080
    port443 serve --domain app.example.com --to http://127.0.0.1:9000 \\
        --issuer letsencrypt --email ops@example.com --agree-tos
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    if file and config:
        raise click.UsageError("FILE and --config name the same thing; give one of them")
    log_flags = {key: flags.pop(f"log_{key}") for key in ("level", "file", "format")}
    source = _logged(_source(file or config, ServeFlags(**flags)), log_flags)
    start_log()
    is_external = edge == "external"
    ends_edge: EndsEdge = "never" if is_external else "on request"
    options = ServeOptions(
        source.name, state, runtime, external=is_external, ends_edge=ends_edge, log_fault=log_fault
    )
    try:
        asyncio.run(_serve(options, source))
    except StopAsked:
        return
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _source(named: Path | None, flags: ServeFlags) -> _Source:
    if named is None and flags.given:
        return _Source("command line", lambda: from_flags(flags))
    config = settings_file(named)
    flags.refuse_beside_file(config)
    return _Source(str(config.resolve()), lambda: load(config))


def _logged(source: _Source, flags: dict[str, Any]) -> _Source:
    """Configure the log by each reading of the settings; flags take precedence."""
    given = {key: value for key, value in flags.items() if value is not None}

    def read() -> Desired:
        desired = source.read()
        wish = dataclasses.replace(desired.log, **given)
        start_log(wish)
        return dataclasses.replace(desired, log=wish)

    return dataclasses.replace(source, read=read)


async def _serve(options: ServeOptions, source: _Source) -> None:
    with Ending() as ending:
        await _serve_until(ending, options, source)


async def _serve_until(ending: Ending, options: ServeOptions, source: _Source) -> None:
    async with serving(options, source.read) as app:
        ending.started(app)
        log.info("serving", extra=dataclasses.asdict(app.facts))
        async with asyncio.TaskGroup() as group:
            greeting = group.create_task(_greet(options, app)) if sys.stderr.isatty() else None
            await app.run()
            if greeting:
                greeting.cancel()


async def _greet(options: ServeOptions, app: App) -> None:
    """Report on a terminal what has started; errors in here do not end serving."""
    from port443.app.greet import greet  # noqa: PLC0415 - half of the scanner, which only a person needs
    from port443.app.scan import Viewpoint  # noqa: PLC0415

    try:
        with Line() as line:
            async for text in app.awaited():
                line.show("cert", text)
        roots = await find_roots(options.state)
        shown = next(iter(roots), None)
        view = Viewpoint(
            make_roots(Path(shown.path) if shown else None), make_clock().now(), roots_are_public=not shown
        )
        edge = await app.edge_identity()
        async for step in greet(app.round, edge, app.dial, view, shown.path if shown else None):
            output.step("good" if step.good else "bad", step.label, output.runnable(step.text))
            if step.hint:
                output.say(f"  {output.hint(step.hint)}")
    except Port443Error as error:
        output.step("note", "greeting", f"{error.message} ({error.code})")
    output.say(f"  {'status':<9} port443 status --runtime {app.facts.runtime}    Ctrl-C ends it")
