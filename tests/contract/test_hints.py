"""Hints lead somewhere: commands that are named exist with their options, and every error has a next step."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from port443.cli.explain import all_pages, other_names
from port443.cli.glossary import named_pages
from port443.cli.main import COMMANDS, port443
from port443.core.errors import Port443Error
from port443.settings.error_kinds import ERROR_KINDS

TOP = Path(__file__).parents[2]
WRITTEN = [
    *TOP.glob("*.md"),
    *(TOP / "docs").rglob("*.md"),
    *(TOP / "packaging").glob("*.service"),
    TOP / "src" / "port443" / "cli" / "glossary.toml",
]
KNOWN = {name for section in COMMANDS.values() for name in section}
COMMAND = re.compile(r"(?:^|[`\s(/])port443 ((?:[a-z][\w-]*)(?: (?:--?[\w-]+|[^\s`;&|)]+))*)")
AREAS = {"P443-E000", "P443-E100", "P443-E200", "P443-E300", "P443-E400", "P443-E500", "P443-E600"}
"""Of the classes that only their heirs raise."""


def texts() -> Iterator[tuple[str, str]]:
    """Yield every text that a user may read, with where it stands."""
    for path in WRITTEN:
        yield path.name, path.read_text()
    for path in (TOP / "src" / "port443").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{path.name}:{node.lineno}", node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
                yield f"{path.name}:{node.lineno}", "".join(parts)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command line of port443 that is named, as words."""
    for place, text in texts():
        for line in text.replace("\\\n", " ").splitlines():
            for found in COMMAND.findall(line):
                words = found.split()
                if words[0] in KNOWN:
                    yield f"{place}: port443 {found}", words


FOUND = list(commands())


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that the first words name, and the words behind it."""
    context = click.Context(port443, info_name="port443")
    command: click.Command = port443
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        below = command.get_command(context, rest[0].rstrip(".,:;"))
        if below is None:
            break
        command, rest = below, rest[1:]
    return command, rest


def test_the_search_finds_commands() -> None:
    """In hints, in help, in the README and in the units."""
    shown = " ".join(place for place, _ in FOUND)
    assert {words[0] for _, words in FOUND} == KNOWN
    assert "README.md" in shown
    assert "port443.service" in shown
    assert "glossary.toml" in shown


def test_every_option_that_is_named_exists() -> None:
    wrong = []
    for place, words in FOUND:
        command, rest = command_of(words)
        known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        wrong += [
            f"{place}: {word}"
            for word in (one.rstrip(".,:;?'\"`").partition("=")[0] for one in rest)
            if word.startswith("--") and len(word) > 2 and word not in known
        ]
    assert wrong == []


def test_every_subcommand_that_is_named_exists() -> None:
    wrong = [
        place
        for place, words in FOUND
        if words[0] in {"config", "trust"} and words[1:] and isinstance(command_of(words)[0], click.Group)
        if re.fullmatch(r"[a-z]+", words[1])
    ]
    assert wrong == []


def test_whatever_explain_is_told_to_explain_it_can() -> None:
    known = set(all_pages()) | set(named_pages()) | set(other_names())
    asked = {
        word
        for _, words in FOUND
        if words[0] == "explain"
        for word in (words[1].rstrip(".,:;`'\"") if words[1:] else "",)
        if re.fullmatch(r"P443-[A-Z0-9-]+|[a-z][a-z0-9_-]*[a-z]", word) and word not in PROSE
    }
    assert {"P443-HTTP-004", "hsts"} <= asked
    assert asked - known == set()


PROSE = {"takes", "knows", "says", "prints", "lists", "can", "and", "it"}


def errors(of: type[Port443Error] = Port443Error) -> Iterator[type[Port443Error]]:
    for heir in of.__subclasses__():
        yield heir
        yield from errors(heir)


def ours() -> list[type[Port443Error]]:
    all_pages()  # imports whatever defines an error
    return [one for one in errors() if one.__module__.startswith("port443.") and "code" in vars(one)]


def test_every_error_has_a_next_step() -> None:
    """Its page says more than what went wrong; a hint that is missing points to that page."""
    bare = {error.__name__ for error in ours() if "\n\n" not in (inspect.getdoc(error) or "")}
    assert bare - {error.__name__ for error in ours() if error.code in AREAS} == set()


def test_every_mistake_has_a_way_out() -> None:
    assert [kind.name for kind in ERROR_KINDS.values() if len(kind.explanation.split()) < 8] == []
