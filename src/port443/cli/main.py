"""The command line's entry: a group that imports a command when it is used."""

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from port443 import __version__
from port443.cli import exits, output
from port443.settings.environment import Environment

PROGRAM: Final = "port443"
COMPLETION_VARIABLE: Final = "_PORT443_COMPLETE"

COMMANDS: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "Serve": {
        "serve": ("port443.cli.serve:serve", "Serve sites from flags or a settings file."),
        "status": ("port443.cli.status:status", "Show what is being served, and whether it is right."),
        "reload": ("port443.cli.reload:reload", "Read the settings again and apply them."),
        "stop": ("port443.cli.stop:stop", "Drain and end the running server."),
        "demo": ("port443.cli.demo:demo", "Serve two sample backends on loopback and grade them."),
    },
    "Certify": {
        "cert": ("port443.cli.cert:cert", "See, order, renew and revoke certificates."),
    },
    "Prove": {
        "scan": ("port443.cli.scan:scan", "Scan a host as a client would, and grade it."),
        "rules": ("port443.cli.rules:rules", "List what a scan looks for, and what each finding costs."),
        "explain": ("port443.cli.explain:explain", "Explain a finding, an error, an event or a reason."),
    },
    "Set up": {
        "config": ("port443.cli.config:config", "Check, show and describe the settings."),
        "trust": ("port443.cli.trust:trust", "Show the local CA's root."),
    },
}
"""Section → command → where it is, and its line in the help, which is shown without loading it."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used, so that the others cost nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        target = next((section[cmd_name][0] for section in COMMANDS.values() if cmd_name in section), None)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{target} is not a command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as unknown:
            known = self.list_commands(ctx)
            raise click.NoSuchCommand(unknown.command_name, possibilities=known, ctx=ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for section, commands in COMMANDS.items():
            with formatter.section(section):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="See also `port443 COMMAND --help`. Exit codes: 0 done, 1 findings, 2 wrong flags or settings, "
    "3 could not be done, 4 changes pending, 5 refused, 70 defect.",
)
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.option(
    "--no-color", is_flag=True, expose_value=False, help="Print without colour, as NO_COLOR=1 does."
)
def port443() -> None:
    """Serve port 443, keep it certified, and prove that both are right.

    \b
    port443 demo
    port443 serve --domain app.localhost --to http://127.0.0.1:9000
    port443 scan example.com
    """  # noqa: D301 - \b is Click's mark for "keep these lines"


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    try:
        exit_code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while an error was being printed
        exit_code = exits.INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the exit is left to do
    sys.exit(exit_code)


def run(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors have been printed."""
    environment = Environment.read()
    switches, rest = _parted(args)
    plain = environment.plain or "--no-color" in switches
    words = [one for one in switches if one != "--no-color"]
    output.use_colour(wanted=not plain)
    output.never_fail_on_letters()
    try:
        exit_code = _invoke([*words, *rest], plain=plain)
        if sys.stdout:  # a parent may have closed it
            sys.stdout.flush()
    except BaseException as error:  # noqa: BLE001 - the last place that can report it
        return exits.conclude(error, debug=environment.debug, as_json=output.wants_json(words))
    return exit_code


def _parted(args: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split what may be options from what follows `--`."""
    end = args.index("--") if "--" in args else len(args)
    return list(args[:end]), list(args[end:])


def _invoke(args: list[str], *, plain: bool) -> int:
    """Run a command, which may return its exit code or end with `ctx.exit`."""
    if instruction := os.environ.get(COMPLETION_VARIABLE):
        from click.shell_completion import shell_complete  # noqa: PLC0415 - seldom needed

        return shell_complete(port443, {}, PROGRAM, COMPLETION_VARIABLE, instruction)
    try:
        with port443.make_context(PROGRAM, args, color=False if plain else None) as ctx:
            result = port443.invoke(ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return result if isinstance(result, int) else 0
