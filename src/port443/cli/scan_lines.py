"""One fact a line: a mark, a label in its column, and the fact."""

import textwrap
from collections.abc import Iterator

from port443.cli import output
from port443.cli.output import Tone

LABEL = 11
WIDTH = 100
INDENT = 2 + LABEL + 15


def line(tone: Tone | None, label: str, text: str) -> str:
    """Write one fact. Text from a server is escaped."""
    mark = "?" if tone == "quiet" else " " if tone is None else output.mark(tone)
    return f"{mark} {label:<{LABEL}}{readable(text)}".rstrip()


def lines(tone: Tone | None, label: str, text: str) -> Iterator[str]:
    """Write a fact that may take several lines; those after the first are indented to its text."""
    first, *rest = textwrap.wrap(readable(text), WIDTH - LABEL - 2, break_on_hyphens=False) or [""]
    yield line(tone, label, first)
    yield from (f"  {'':<{LABEL}}{more}" for more in rest)


def readable(text: str) -> str:
    """Escape what a terminal interprets, and what changes the direction of writing."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )


def under(text: str) -> list[str]:
    """Write text below a title."""
    wrapped = textwrap.wrap(readable(text), WIDTH - INDENT, break_on_hyphens=False)
    return [" " * INDENT + part for part in wrapped]
