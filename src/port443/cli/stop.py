"""Drain and end the running server."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.cli.options import json_option, runtime_option
from port443.core.control.answers import Stopped
from port443.wiring import stop_serve

SCHEMA: Final = "port443.stop/1"


@click.command
@runtime_option()
@json_option()
def stop(runtime: Path | None, *, as_json: bool) -> None:
    """End the running server and its edge, with every open request answered.

    An edge that still runs after the server was killed is ended too. One that has its own service unit
    is not: that unit ends it.

    \b
    port443 stop
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    answer = asyncio.run(stop_serve(runtime))
    if as_json:
        output.data_json({"schema": SCHEMA, **dataclasses.asdict(answer)})
        return
    if answer.serve is None:
        output.step("good", "stopped", f"the edge, process {answer.edge}, which ran without a serve")
    elif answer.edge_has_unit:
        output.step("good", "stopped", f"port443 serve, process {answer.serve}")
        output.step("note", "edge", _external(answer))
    elif answer.edge is None:
        output.step("good", "stopped", f"port443 serve, process {answer.serve}; no edge answers any more")
    else:
        output.step("good", "stopped", "serve and its edge; every open request was answered or had its time")


def _external(answer: Stopped) -> str:
    """Describe the state of an edge that has its own service unit."""
    if answer.edge_goes_on:
        still_runs = f"still serves, process {answer.edge}: its own unit ends it"
        return f"{still_runs} (systemctl stop port443-edge)"
    return "did not answer, so it may serve nothing: see its own unit (systemctl status port443-edge)"
