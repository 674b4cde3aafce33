"""Errors to messages and exit codes.

0   done, no findings                     4    changes are pending
1   done, with findings                   5    refused by a safety rule
2   wrong flags or settings               70   a defect of port443
3   could not be determined or done       130  ended by Ctrl-C

With PORT443_DEBUG=1 the traceback is shown too.
"""

import errno
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from port443.cli import output
from port443.core.errors import Port443Error, SettingsError

DONE, FINDINGS, USAGE, UNDETERMINED, PENDING, REFUSED, DEFECT = 0, 1, 2, 3, 4, 5, 70
INTERRUPTED: Final = 130
"""As a shell reports a program that SIGINT ended."""
PIPE_CLOSED: Final = 141
"""As a shell reports a program that SIGPIPE ended."""
MAX_EXCERPT: Final = 200
NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""The message for a stream, which has no file name, that cannot be written."""


class UsageInvalid(SettingsError):
    """The command line has an option, a command or a value that port443 does not know.

    See `port443 COMMAND --help`.
    """

    code = "P443-E102"


class OutputLost(Port443Error):
    """Standard output could not be written: a full disk, or a device that refuses.

    Make room, or send the output elsewhere.
    """

    code = "P443-E001"
    fault = "machine"


class Defect(Port443Error):
    """An unexpected exception in port443.

    Run the command again with PORT443_DEBUG=1 and send what it prints with your report.
    """

    code = "P443-E002"
    exit_code = DEFECT


class MachineRefused(Port443Error):
    """The system refused a file or a directory that the command needs, for the reason in the message.

    Check that the path exists and that the user who runs port443 may use it. A directory that was removed
    while it is a shell's current one has to be left: cd to another one.
    """

    code = "P443-E003"
    fault = "machine"


def conclude(error: BaseException, *, debug: bool, as_json: bool) -> int:
    """Print the errors that ended a command, each cause once, and return the exit code; the gravest wins."""
    if debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    return max(_conclude_one(leaf, as_json=as_json) for leaf in _leaves(error))


def exit_code_of(error: Port443Error) -> int:
    """Return the code that the error's class names, else the one of its area."""
    named = getattr(error, "exit_code", None)
    if isinstance(named, int):
        return named
    return USAGE if isinstance(error, SettingsError) else UNDETERMINED


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Flatten exception groups."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _conclude_one(error: BaseException, *, as_json: bool) -> int:
    match error:
        case BrokenPipeError():
            _give_up_stdout()
            return PIPE_CLOSED
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case SystemExit():
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        case Port443Error():
            found = error
        case click.exceptions.NoArgsIsHelpError():
            error.show()
            return USAGE
        case click.ClickException():
            found = _usage(error, as_json=as_json)
        case OSError(errno=number, filename=None) if number in NO_ROOM:
            _give_up_stdout()
            found = OutputLost(f"the output cannot be written: {error.strerror}")
        case FileNotFoundError(filename=None) if _is_nowhere():
            found = MachineRefused("the current directory was removed", "cd to another one")
        case OSError(filename=str() | bytes() as path):
            hint = f"check the path, and that user {os.geteuid()} may use it"
            found = MachineRefused(f"{os.fsdecode(path)}: {error.strerror}", hint)
        case _:
            found = _defect(error)
    exit_code = exit_code_of(found)
    output.print_error(found, exit_code, as_json=as_json)
    return exit_code


def _is_nowhere() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return True
    return False


def _usage(error: click.ClickException, *, as_json: bool) -> UsageInvalid:
    """Convert Click's message to our form: the problem, a suggestion, the help to read."""
    context = getattr(error, "ctx", None)
    if context and not as_json:
        output.say(context.get_usage())
    close = getattr(error, "possibilities", None)
    message = error.message if close else error.format_message()
    path = context.command_path if context else "port443"
    meant = " or ".join(close) if close else ""
    hint = f"did you mean {meant}?" if meant else f"see: {path} --help"
    return UsageInvalid(message.removesuffix("."), hint)


def _defect(error: BaseException) -> Defect:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    said = str(error)[:MAX_EXCERPT]
    return Defect(
        f"{type(error).__name__}{place}: {said}" if said else f"{type(error).__name__}{place}",
        "this is a defect of port443; run it again with PORT443_DEBUG=1 and report what it prints",
    )


def _give_up_stdout() -> None:
    """Redirect stdout to /dev/null, so that the interpreter's last flush does not fail again."""
    if sys.stdout is None:
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
