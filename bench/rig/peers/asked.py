"""What programs say of themselves."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from rig.errors import BenchFault

ANSWER_S = 20.0


def first_line(command: Sequence[str | Path]) -> str:
    """Return the first line that a program says, wherever it says it."""
    try:
        run = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchFault(f"{command[0]} cannot be run: {error}") from error
    lines = [line.strip() for line in run.stdout.splitlines() if line.strip()]
    if run.returncode != 0 or not lines:
        raise BenchFault(f"{command[0]} does not say its version")
    return lines[0]
