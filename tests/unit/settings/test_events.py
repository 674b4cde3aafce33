"""ruamel with shortened paths reads what ruamel reads."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from port443.settings import events

TOP = Path(__file__).parents[3]
FILES = sorted([*(TOP / "tests" / "settings_bad").glob("*.yaml"), *(TOP / "examples").glob("*.yaml")])
PIECES = [
    "a",
    "é",
    "日",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "# x",
    '"',
    "'",
    "|\n",
]


def told(parse: Any, text: str) -> list[tuple[object, ...]]:
    """List what a parser tells of a text, with places, and the error that ends it."""
    seen: list[tuple[object, ...]] = []
    try:
        for event in parse(text):
            first, last = event.start_mark, event.end_mark
            value = getattr(event, "value", None)
            seen.append((type(event), value, first.index, first.line, first.column, last.index, last.line))
    except YAMLError as error:
        seen.append((type(error), str(error)))
    return seen


def plain(text: str) -> Any:
    return YAML(typ="safe", pure=True).parse(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_files_are_read_alike(path: Path) -> None:
    """On every example and every wrong file events, places and errors are the same."""
    text = path.read_text(errors="replace")
    assert told(plain, text) == told(events.parse, text)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_any_text_is_read_alike(text: str) -> None:
    """On any mixture of what YAML cares about, too."""
    assert told(plain, text) == told(events.parse, text)
