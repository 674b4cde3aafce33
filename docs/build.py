"""Write the reference pages from the code, so that they cannot grow stale: `make docs`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from port443.cli.explain import all_pages
from port443.cli.glossary import named_pages
from port443.cli.main import port443
from port443.cli.rules import rule_page
from port443.core.grade.catalogue import RULES
from port443.core.grade.ssl_labs_2009r import SSL_LABS_2009R
from port443.settings.editor import json_schema

WIDTH = 100


def main() -> None:
    """Write every page below the directory that is named."""
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    pages = {
        "commands.md": "\n".join(commands(click.Context(port443, info_name="port443"))),
        "rules.md": rules(),
        "codes.md": catalogue(all_pages() | named_pages()),
        "settings.schema.json": json.dumps(json_schema(), indent=2) + "\n",
    }
    for name, text in pages.items():
        (target / name).write_text(text)
        sys.stdout.write(f"{target / name}\n")


def commands(context: click.Context) -> Iterator[str]:
    """Yield the help of a command and of all below it."""
    yield f"## {context.command_path}\n\n```\n{context.command.get_help(context)}\n```\n"
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command:
                below = click.Context(command, parent=context, info_name=name, max_content_width=WIDTH)
                yield from commands(below)


def rules() -> str:
    """Write the reference of the scanner's rules: one table, then the page of each."""
    head = "| rule | severity | best letter | what | to do |\n|---|---|---|---|---|\n"
    cells = (
        (one.id, one.severity, SSL_LABS_2009R.cost(one.id) or "", one.title, one.remedy.what) for one in RULES
    )
    rows = (f"| {' | '.join(row)} |\n" for row in cells)
    pages = (f"## {one.id}\n\n```\n{rule_page(one)}\n```\n" for one in RULES)
    return "\n".join(("# What a scan looks for\n", f"{head}{''.join(rows)}", *pages))


def catalogue(pages: dict[str, str]) -> str:
    """Put the pages of `port443 explain` one below the other."""
    parts = [f"## {code}\n\n```\n{page.strip()}\n```\n" for code, page in sorted(pages.items())]
    return "\n".join(["# Findings, errors, events and reasons\n", *parts])


if __name__ == "__main__":
    main()
