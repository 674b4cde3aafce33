"""What a page of HTML says of itself: its scripts, and the policies that it carries."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

MAX_SCRIPTS = 1000
AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//(?:[^/?#@]*@)?(\[[0-9a-f:.]*\]|[^/?#:]*)", re.IGNORECASE)
"""Scheme, or none, and host (RFC 3986 §4.2)."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script that a page loads."""

    source: str
    has_integrity: bool


@dataclass(slots=True)
class Page:
    """Scripts in their order, and the values of `meta http-equiv` by their names in lower case."""

    scripts: list[Script] = field(default_factory=list)
    meta: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "script" and said.get("src") and len(self.page.scripts) < MAX_SCRIPTS:
            self.page.scripts.append(Script(said["src"].strip(), bool(said.get("integrity"))))
        elif tag == "meta" and "http-equiv" in said:
            self.page.meta.setdefault(said["http-equiv"].strip().lower(), []).append(said.get("content", ""))


def read_page(body: bytes) -> Page:
    """Read HTML as far as it goes; nothing in it is an error."""
    reader = _Reader()
    reader.feed(body.decode("utf-8", "replace"))
    return reader.page


def script_host(source: str) -> str | None:
    """Return the host of a script's address; None when it is of the page's own origin by its form."""
    found = AUTHORITY.match(source)
    return None if found is None else found[1].lower()


def is_clear(source: str) -> bool:
    """Whether a script is loaded over http."""
    return source.lower().startswith("http:")


def is_foreign(script: Script, own: str) -> bool:
    """Whether a script is of another host, and has no integrity."""
    host = script_host(script.source)
    return not script.has_integrity and host is not None and host != own
