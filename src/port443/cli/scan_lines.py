"""One fact a line: a mark, a label in its column, and what is so."""

import textwrap
from collections.abc import Iterator

from port443.cli import output
from port443.cli.output import Tone

LABEL = 11
WIDTH = 100
INDENT = 2 + LABEL + 15


def line(tone: Tone | None, label: str, text: str) -> str:
    """Write one fact. What a server has said in it cannot move the terminal."""
    mark = "?" if tone == "quiet" else " " if tone is None else output.mark(tone)
    return f"{mark} {label:<{LABEL}}{readable(text)}".rstrip()


def lines(tone: Tone | None, label: str, text: str) -> Iterator[str]:
    """Write a fact that may take several lines; what follows the first stands under its text."""
    first, *rest = textwrap.wrap(readable(text), WIDTH - LABEL - 2, break_on_hyphens=False) or [""]
    yield line(tone, label, first)
    yield from (f"  {'':<{LABEL}}{more}" for more in rest)


def readable(text: str) -> str:
    """Write what a terminal would obey, and what turns the direction of writing, as an escape."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def under(text: str) -> list[str]:
    """Write words below a title."""
    wrapped = textwrap.wrap(readable(text), WIDTH - INDENT, break_on_hyphens=False)
    return [" " * INDENT + part for part in wrapped]
