"""Find the edge program, and see that it is the one of our version."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from port443 import __version__
from port443.edge.errors import EdgeProgramMissing, EdgeVersionDiffers

PROGRAM = "port443-edge"
VERSION_TIMEOUT_S = 10


def locate_program(chosen: Path | None = None) -> Path:
    """Return the edge program of our version: the chosen one, else that of this environment or of PATH.

    `chosen` is the value of PORT443_EDGE. Searched are the chosen file alone when there is one, else the
    directory of the running Python, then the directories of PATH.
    """
    program = _chosen(chosen) if chosen else _installed()
    check_version(program)
    return program


def _chosen(path: Path) -> Path:
    if not _is_program(path):
        raise EdgeProgramMissing(
            f"PORT443_EDGE names {path}, which is no program", "unset it, or name the program port443-edge"
        )
    return path.absolute()


def _installed() -> Path:
    # Not resolved: in a virtual environment the interpreter is a link to another directory.
    beside = Path(sys.executable).parent / PROGRAM
    if _is_program(beside):
        return beside
    if found := shutil.which(PROGRAM):
        return Path(found).absolute()
    raise EdgeProgramMissing(
        f"the program {PROGRAM} is not installed",
        f"pip install {PROGRAM}=={__version__}, or set PORT443_EDGE to the program",
    )


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def check_version(program: Path) -> None:
    """Refuse a program that does not report our version."""
    wanted = f"{PROGRAM} {__version__}"
    hint = f"pip install {PROGRAM}=={__version__}"
    try:
        run = subprocess.run(  # noqa: S603 # the program that the operator installed or named
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EdgeVersionDiffers(f"{program} cannot be run: {error}", hint) from error
    said = run.stdout.strip().splitlines()[:1]
    if run.returncode != 0 or said != [wanted]:
        answer = said[0][:80] if said else f"nothing, and exit code {run.returncode}"
        raise EdgeVersionDiffers(f"{program} says {answer!r} instead of {wanted!r}", hint)
