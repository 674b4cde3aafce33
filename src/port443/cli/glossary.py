"""The pages of what has a name and no code: events, reasons, log lines, problems, topics."""

import inspect
import textwrap
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

from port443.core.contract.events import EVENTS

WIDTH: Final = 100


def named_pages() -> dict[str, str]:
    """Return the page of every name; one that means several things has them one below the other."""
    pages: dict[str, list[str]] = {}
    for name, page in _pages():
        pages.setdefault(name, []).append(page)
    return {name: "\n\n".join(parts) for name, parts in pages.items()}


def _pages() -> Iterator[tuple[str, str]]:
    glossary: dict[str, Any] = tomllib.loads((files("port443.cli") / "glossary.toml").read_text("utf-8"))
    yield from glossary.pop("topics").items()
    for group in glossary.values():
        for name, text in group["names"].items():
            yield name, f"{name}  {group['title']}\n\n{textwrap.fill(text, WIDTH)}"
    for name, event in EVENTS.items():
        yield name, f"{name}  an event of the edge\n\n{inspect.getdoc(event)}"
