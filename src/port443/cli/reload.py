"""Read the settings again and apply them."""

import asyncio
from pathlib import Path

import click

from port443.cli import output
from port443.cli.options import json_option, runtime_option
from port443.wiring import ask_serve

TIMEOUT_S = 300


@click.command
@runtime_option()
@click.option("--wait", is_flag=True, help="Return only when the new snapshot serves and is proved.")
@json_option()
def reload(runtime: Path | None, *, wait: bool, as_json: bool) -> int:
    """Have the running server read its settings again.

    Wrong settings change nothing: the mistakes are printed, and what runs goes on.

    \b
    port443 reload --wait
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    answer = asyncio.run(ask_serve(runtime, {"verb": "reload", "wait": wait}, TIMEOUT_S))
    if as_json:
        output.data_json({"schema": "port443.reload/1", **answer})
        return 0 if answer.get("whole", True) else 1
    if not wait:
        output.say(output.runnable("reload asked for; port443 status tells how it went"))
        return 0
    for change in answer["changes"] or ["nothing changed"]:
        output.say(f"  {change}")
    for problem in answer["problems"]:
        tone: output.Tone = "bad" if problem["severity"] == "error" else "note"
        output.step(tone, "problem", f"{problem['about']}: {problem['cause']} ({problem['code']})")
        if problem["hint"]:
            output.say(f"  {output.hint(problem['hint'])}")
    if answer["whole"]:
        output.step("good", "running", answer["running"][:16])
        return 0
    output.step("bad", "running", f"{answer['running'][:16]}, but not all of it as it was meant")
    return 1
