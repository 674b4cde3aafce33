"""The text of a settings file: places in it, and excerpts with a caret under the right column."""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Final

MAX_EXCERPT: Final = 120
"""Characters of a long line that are shown around a place."""
LINE_BREAK: Final = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A position: line and column count characters from 1, as editors do."""

    line: int
    column: int
    width: int = 1


class Source:
    """A settings file's text under the name that messages call it by."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @cached_property
    def _lines(self) -> list[tuple[int, int]]:
        """Start and end of every line, found only when a position is needed."""
        breaks = [one.span() for one in LINE_BREAK.finditer(self.text)]
        starts = [0, *(end for _, end in breaks)]
        ends = [*(start for start, _ in breaks), len(self.text)]
        return list(zip(starts, ends, strict=True))

    def place(self, start: int, end: int | None = None) -> Place:
        """Return the place of the characters from index `start` to `end`, as far as they are on one line."""
        at = min(start, len(self.text))
        row = bisect_right(self._lines, at, key=lambda line: line[0]) - 1
        first, last = self._lines[row]
        width = min(at + 1 if end is None else end, last) - at
        return Place(row + 1, at - first + 1, max(width, 1))

    def line_at(self, index: int) -> str:
        """Return the line that holds the character at an index."""
        start, end = self._lines[self.place(index).line - 1]
        return self.text[start:end]

    def excerpt(self, place: Place) -> str:
        """Return the line of `place` with carets under it, aligned in any script."""
        start, end = self._lines[place.line - 1]
        if end - start > MAX_EXCERPT:
            start = max(start, start + place.column - 1 - MAX_EXCERPT // 2)
            end = min(end, start + MAX_EXCERPT)
        column = place.column - 1 - (start - self._lines[place.line - 1][0])
        shown = self.text[start:end]
        blank = "".join("\t" if letter == "\t" else " " * _cells(letter) for letter in shown[:column])
        carets = sum(map(_cells, shown[column : column + place.width]))
        return f"{place.line:>5} | {visible(shown)}\n      | {blank}{'^' * max(carets, 1)}"


def _cells(letter: str) -> int:
    """Return how many terminal cells a character takes."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def visible(text: str) -> str:
    """Replace what cannot be shown, so that no file can drive a terminal."""
    return "".join(one if one == "\t" or one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
