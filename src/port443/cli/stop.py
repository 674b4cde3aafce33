"""Drain and end the running server."""

import asyncio
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.cli.options import json_option, runtime_option
from port443.wiring import ask_serve

SCHEMA: Final = "port443.stop/1"
TIMEOUT_S = 60


@click.command
@runtime_option()
@json_option()
def stop(runtime: Path | None, *, as_json: bool) -> None:
    """End the running server and its edge, with every open request answered.

    \b
    port443 stop
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    answer = asyncio.run(ask_serve(runtime, {"verb": "stop"}, TIMEOUT_S))
    if as_json:
        output.data_json({"schema": SCHEMA, **answer})
    else:
        output.step("good", "stopped", "every open request was answered or had its time")
