"""Read the settings again and apply them."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.cli.exits import DONE, FINDINGS
from port443.cli.options import json_option, runtime_option
from port443.core.control.answers import Reloaded
from port443.wiring import ask_serve

SCHEMA: Final = "port443.reload/1"


@click.command
@runtime_option()
@click.option("--wait", is_flag=True, help="Return only when the new snapshot serves and is proved.")
@json_option()
def reload(runtime: Path | None, *, wait: bool, as_json: bool) -> int:
    """Have the running server read its settings again.

    Wrong settings change nothing: the mistakes are printed, and what runs is not affected.

    \b
    port443 reload --wait
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    if wait:
        reloaded = asyncio.run(ask_serve(runtime, lambda app: app.reload()))
        if as_json:
            output.data_json({"schema": SCHEMA, **dataclasses.asdict(reloaded)})
        else:
            _print(reloaded)
        return DONE if reloaded.whole else FINDINGS
    asked = asyncio.run(ask_serve(runtime, lambda app: app.ask_reload()))
    if as_json:
        output.data_json({"schema": SCHEMA, **dataclasses.asdict(asked)})
    else:
        output.say(output.runnable("reload requested; see port443 status"))
    return DONE


def _print(reloaded: Reloaded) -> None:
    for change in reloaded.changes or ["nothing changed"]:
        output.say(f"  {change}")
    for problem in reloaded.problems:
        tone: output.Tone = "bad" if problem.severity == "error" else "note"
        output.step(tone, "problem", f"{problem.about}: {problem.cause} ({problem.code})")
        if problem.hint:
            output.say(f"  {output.hint(problem.hint)}")
    if reloaded.whole:
        output.step("good", "running", reloaded.running[:16])
    else:
        output.step("bad", "running", f"{reloaded.running[:16]}, but not all of it matches the settings")
