"""Check, show and describe the settings; nothing is looked up, opened or started for it."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from port443.cli import exits, output
from port443.cli.options import json_option, settings_argument
from port443.settings.default_file import settings_file

if TYPE_CHECKING:
    from port443.settings.load import Reading
    from port443.settings.problems import Path as SettingPath

CHECK_SCHEMA: Final = "port443.config-check/1"


@click.group
def config() -> None:
    """Check, show and describe the settings.

    \b
    port443 config check port443.yaml
    port443 config show --origin port443.yaml
    port443 config schema > port443.schema.json
    """  # noqa: D301 - \b is Click's mark for "keep these lines"


@config.command
@settings_argument()
@click.option("--files", is_flag=True, help="Read the certificates, keys and CAs that sites name, too.")
@json_option()
def check(file: Path | None, *, files: bool, as_json: bool) -> int:
    """Print every mistake of a settings file with its position (- is standard input).

    Without FILE it is ./port443.yaml, else /etc/port443/port443.yaml.

    Exits with 0 when the file is valid and with 2 when it is not. Files that the settings name, such as
    certificates, are read only with --files; they are then checked as by serve.

    \b
    port443 config check --files port443.yaml && port443 reload --wait
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    from port443.settings.diagnostics import SettingsInvalid  # noqa: PLC0415
    from port443.settings.load import read  # noqa: PLC0415 - `--help` comes without YAML

    try:
        reading = read(settings_file(file))
        warnings = _warnings_of_files(reading) if files else []
    except SettingsInvalid as wrong:
        if not as_json:
            raise
        answer = {"valid": False, "sites": None, "warnings": [], **wrong.facts()}
    else:
        count, name = len(reading.desired.sites), reading.source.name
        answer = {
            "valid": True,
            "sites": count,
            "file": name,
            "warnings": warnings,
            "count": 0,
            "mistakes": [],
        }
    if as_json:
        output.data_json({"schema": CHECK_SCHEMA, **answer})
        return exits.DONE if answer["valid"] else exits.USAGE
    for warning in warnings:
        output.data(f"{output.mark('note')} {warning}")
    looked = ", files too" if files else ""
    output.data(f"{output.mark('good')} {name} is right: {count} {'site' if count == 1 else 'sites'}{looked}")
    return exits.DONE


def _warnings_of_files(reading: "Reading") -> list[str]:
    """Check the files that the settings name; raises SettingsInvalid with the errors, at their settings."""
    from port443.settings.diagnostics import SettingsInvalid  # noqa: PLC0415
    from port443.settings.error_kinds import ErrorKind  # noqa: PLC0415 - only on request
    from port443.wiring import judge_named_files  # noqa: PLC0415 - imports the whole product

    judged = judge_named_files(reading.desired)
    diagnostics = [
        reading.diagnostic(
            ("sites", one.site, *one.setting),
            ErrorKind(one.fault.code, "named-file", ""),
            one.fault.message,
            one.fault.hint,
        )
        for one in judged
        if one.fault
    ]
    if diagnostics:
        raise SettingsInvalid(reading.source, diagnostics)
    return [f"{one.site}: {warning}" for one in judged for warning in one.warnings]


@config.command
@settings_argument()
@click.option("--origin", is_flag=True, help="Print beside each value the line it comes from.")
def show(file: Path | None, *, origin: bool) -> None:
    """Print the effective settings, defaults written out, as a settings file (- is standard input).

    Without FILE it is ./port443.yaml, else /etc/port443/port443.yaml.
    """
    from port443.settings.load import read  # noqa: PLC0415 - `--help` comes without YAML
    from port443.settings.show import lines  # noqa: PLC0415

    reading = read(settings_file(file))
    shown = [
        text if not origin or text.endswith(":") else f"{text:<60}  {_origin(reading, path)}"
        for path, text in lines(reading.desired)
    ]
    output.data("\n".join(shown))


def _origin(reading: "Reading", path: "SettingPath") -> str:
    line = reading.line_of(path)
    return output.paint("# default" if line is None else f"# {reading.source.name}:{line}", "quiet")


@config.command
def schema() -> None:
    """Print the JSON Schema of the settings file, which lets editors complete and check it."""
    from port443.settings.editor import json_schema  # noqa: PLC0415 - `--help` comes without pydantic

    output.data_json(json_schema())
