"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click
from click.core import ParameterSource

from port443.cli.output import remember_place

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def settings_argument() -> Decorator:
    """Add the argument of the settings file; the default is the default file."""
    return click.argument("file", required=False, type=click.Path(path_type=Path), metavar="[FILE]")


def runtime_option() -> Decorator:
    """Name the directory of the sockets."""
    return click.option(
        "--runtime",
        type=_directory(),
        envvar="PORT443_RUNTIME",
        callback=_remembered,
        metavar="DIR",
        help="Directory of the sockets. [default: /run/port443 for root, else under "
        "$XDG_RUNTIME_DIR; where that is on a disk, in /dev/shm]",
    )


def state_option() -> Decorator:
    """Name the directory of certificates and keys."""
    return click.option(
        "--state",
        type=_directory(),
        envvar="PORT443_STATE",
        callback=_remembered,
        metavar="DIR",
        help="Directory of the store. [default: /var/lib/port443 for root, else under $XDG_STATE_HOME]",
    )


def _remembered(context: click.Context, option: click.Parameter, place: Path | None) -> Path | None:
    """Remember a directory option for the commands in hints; a variable counts too."""
    is_given = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
    remember_place(f"--{option.name}", place if is_given else None)
    return place


def log_options() -> Decorator:
    """Add the options of the log: level, file and format; they override the settings."""
    from port443.core.plan.desired import LogFormat, LogLevel  # noqa: PLC0415 - not for every command

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--log-format", type=click.Choice(get_args(LogFormat)), help="[default: auto]"),
            click.option(
                "--log-file", type=click.Path(path_type=Path), metavar="FILE", help="[default: stderr]"
            ),
            click.option("--log-level", type=click.Choice(get_args(LogLevel)), help="[default: info]"),
        ):
            command = option(command)
        return command

    return decorate


def _directory() -> click.Path:
    # Members of port443-admin may pass through the runtime directory, and not read it.
    return click.Path(file_okay=False, readable=False, path_type=Path)


def json_option() -> Decorator:
    """Add the option for JSON output."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
