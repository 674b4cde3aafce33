"""Drain and end the running server."""

import asyncio
from pathlib import Path

import click

from port443.cli import output
from port443.cli.options import runtime_option
from port443.wiring import ask_serve

TIMEOUT_S = 60


@click.command
@runtime_option()
def stop(runtime: Path | None) -> None:
    """End the running server and its edge, with every open request answered.

    \b
    port443 stop
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    asyncio.run(ask_serve(runtime, {"verb": "stop"}, TIMEOUT_S))
    output.step("good", "stopped", "every open request was answered or had its time")
