"""Explain findings, baselines, errors, events and reasons, offline."""

import difflib
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Final

import click

import port443
from port443.cli import output
from port443.cli.baseline_lines import baseline_pages
from port443.cli.glossary import named_pages
from port443.cli.options import json_option
from port443.cli.rules import rule_page
from port443.core.errors import Fault, Port443Error, SettingsError
from port443.core.grade.catalogue import RULES
from port443.settings.error_kinds import ERROR_KINDS

SCHEMA: Final = "port443.explain/1"
CLOSE: Final = 3
FAULTS: Final[dict[Fault, str]] = {
    "operator": "the settings or the command line",
    "peer": "the other side",
    "machine": "this machine",
    "port443": "port443 itself",
}


class CodeUnknown(SettingsError):
    """There is no finding, error, event or reason of that name.

    Findings are called `P443-TLS-003`, errors `P443-E503`; `port443 explain --list` names them all.
    """

    code = "P443-E172"


@click.command
@click.argument("code", required=False)
@click.option("--list", "listing", is_flag=True, help="Name everything that has a page.")
@json_option()
def explain(code: str | None, *, listing: bool, as_json: bool) -> int:
    """Explain a finding, an error, an event or a reason: its meaning and the next step.

    \b
    port443 explain not_tls
    port443 explain hsts
    port443 explain P443-TLS-003
    port443 explain P443-E503
    port443 explain mozilla-intermediate-6.0
    port443 explain --list
    """  # noqa: D301 - \b is Click's mark for "keep these lines"
    pages = all_pages() | named_pages()
    if listing or code is None:
        _print_list(pages, as_json=as_json)
        return 0
    wanted = _whole(code, pages)
    page = pages.get(wanted)
    if page is None:
        raise _unknown(code, pages)
    if as_json:
        output.data_json({"schema": SCHEMA, "id": wanted, "page": page})
    else:
        output.data(page)
    return 0


def all_pages() -> dict[str, str]:
    """Return the page of every finding, baseline and error, by its code."""
    rules = {rule.id: rule_page(rule) for rule in RULES}
    return rules | dict(baseline_pages()) | dict(error_pages()) | dict(error_kind_pages())


def _whole(code: str, pages: dict[str, str]) -> str:
    """Return the code or name in its own spelling; the common prefix of codes may be left out."""
    text = code.strip()
    name = text.lower().replace("-", "_")
    if name in pages:
        return name
    if text.lower() in pages:
        return text.lower()
    wanted = other_names().get(name) or other_names().get(text.lower()) or text.upper()
    return wanted if wanted.startswith("P443-") else f"P443-{wanted}"


def _unknown(code: str, pages: dict[str, str]) -> CodeUnknown:
    names = [*pages, *other_names()]
    close = difflib.get_close_matches(_whole(code, pages), names, CLOSE, cutoff=0.8)
    close = close or difflib.get_close_matches(code.strip().lower(), names, CLOSE)
    hint = f"did you mean {' or '.join(close)}?" if close else "port443 explain --list  names them all"
    return CodeUnknown(f"nothing is called {code}", hint)


def other_names() -> dict[str, str]:
    """Return the codes of error kinds and of the edge's errors, by their names."""
    codes = {kind.name: kind.code for kind in ERROR_KINDS.values()}
    named = {error for error in _family(Port443Error) if "name" in vars(error)}
    return codes | {vars(error)["name"]: error.code for error in named}


def _print_list(pages: dict[str, str], *, as_json: bool) -> None:
    titles = {code: _title(page) for code, page in sorted(pages.items())}
    if as_json:
        output.data_json({"schema": SCHEMA, "codes": titles})
        return
    width = max(map(len, titles))
    for code, title in titles.items():
        output.data(f"{code:<{width}}  {title}")


def _title(page: str) -> str:
    """Return the text after the code in the first line of a page."""
    return page.partition("\n")[0].partition("  ")[2].removesuffix(".")


def error_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every error that this program can raise, and of those that the edge answers."""
    for module in pkgutil.walk_packages(port443.__path__, "port443."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for error in _family(Port443Error):
        yield error.code, _error_page(error)


def error_kind_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every mistake that a settings file can have."""
    for kind in ERROR_KINDS.values():
        yield kind.code, f"{kind.code}  {kind.name}: a mistake in the settings.\n\n{kind.explanation}"


def _family(error: type[Port443Error]) -> Iterator[type[Port443Error]]:
    # A subclass without a code of its own has the page of its parent.
    if "code" in vars(error):
        yield error
    for heir in error.__subclasses__():
        yield from _family(heir)


def _error_page(error: type[Port443Error]) -> str:
    again = "Trying again can help." if error.retry else ""
    where = f"The cause lies with {FAULTS[error.fault]}. {again}".rstrip()
    return f"{error.code}  {inspect.getdoc(error) or ''}\n\n{where}"
