"""Messages on stderr, data on stdout; colour only on a terminal."""

import io
import json
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, TextIO

import click

from port443.core.errors import Port443Error

Tone = Literal["good", "bad", "note", "next", "quiet", "strong"]

STYLES: Final[dict[Tone, dict[str, Any]]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "note": {"fg": "yellow"},
    "next": {"fg": "cyan"},
    "quiet": {"dim": True},
    "strong": {"bold": True},
}
SYMBOLS: Final[dict[Tone, tuple[str, str]]] = {
    "good": ("✓", "+"),
    "bad": ("✗", "x"),
    "note": ("!", "!"),
    "next": ("→", ">"),
}
"""The mark, and its substitute for a stream that cannot encode it. Each is readable without colour."""
PROGRAM: Final = "port443"
COMMAND: Final = re.compile(
    r"(?<![\w./-])port443(?= (serve|status|reload|stop|demo|cert|scan|rules|explain|config|trust)\b)"
)
TAKES: Final = {
    "--runtime": re.compile(
        r"(?<![\w./-])port443 (serve|status|reload|stop|cert (list|show|issue|renew|revoke))\b"
    ),
    "--state": re.compile(r"(?<![\w./-])port443 (serve|trust path)\b"),
}
"""The commands that take the options of a place."""
_places: Final[dict[str, Path]] = {}
ERROR_SCHEMA: Final = "port443.error/1"


_colour = True


def use_colour(*, wanted: bool) -> None:
    """Set, once per command line, whether a terminal gets colour; other streams never do."""
    global _colour  # noqa: PLW0603 - a process has one terminal
    _colour = wanted


def paint(text: str, tone: Tone) -> str:
    """Colour `text`; `click.echo` takes the colour out where the stream is no terminal."""
    return click.style(text, **STYLES[tone]) if _colour else text


def mark(tone: Tone, *, err: bool = False) -> str:
    """Return the symbol for `tone`, coloured, in letters that the stream can write."""
    symbol, plain = SYMBOLS[tone]
    return paint(symbol if _can_write(sys.stderr if err else sys.stdout, symbol) else plain, tone)


def never_fail_on_letters() -> None:
    """Let both streams escape what their encoding lacks, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _can_write(stream: TextIO | None, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def say(text: str = "") -> None:
    """Print a message on stderr."""
    click.echo(text, err=True)


def remember_place(option: str, place: Path | None) -> None:
    """Repeat a directory option of this command line in the commands of hints; without one they have none."""
    if place:
        _places[option] = place
    else:
        _places.pop(option, None)


def runnable(text: str) -> str:
    """Write commands so that they can be pasted: for the same places, and with port443 as it was called."""
    for option, place in _places.items():
        if option not in text:
            given = f"{option} {shlex.quote(str(place))}".replace("\\", r"\\")
            text = TAKES[option].sub(rf"\g<0> {given}", text)
    called = Path(sys.argv[0])
    if called.name != PROGRAM or shutil.which(PROGRAM):
        return text
    return COMMAND.sub(shlex.quote(str(called)), text)


def hint(text: str) -> str:
    """Return the line with the next step."""
    return f"{paint('hint:', 'next')} {runnable(text)}"


def step(tone: Tone, label: str, text: str, *, err: bool = True) -> None:
    """Print one line of a run: mark, label in a column, result; on stdout where it is the answer."""
    click.echo(f"{mark(tone, err=err)} {label:<9} {text}", err=err)


def data(text: str) -> None:
    """Print the answer of a command, on stdout."""
    click.echo(text)


def data_json(document: object) -> None:
    """Print one JSON document on stdout, escaped where the stream cannot write it as it is."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    click.echo(text if _can_write(sys.stdout, text) else json.dumps(document, indent=2))


def wants_json(switches: Sequence[str]) -> bool:
    """Whether the command line requests JSON, even if it is otherwise wrong."""
    text = f" {' '.join(switches)} "
    return any(f" {form} " in text for form in ("--json", "--format=json", "--format json"))


def print_error(error: Port443Error, exit_code: int, *, as_json: bool) -> None:
    """Print an error with its code and the next step: for people on stderr, or as JSON on stdout."""
    if as_json:
        data_json(_document(error, exit_code))
        return
    if report := error.report():
        say(report)
    say(f"{paint('error:', 'bad')} {error.code}: {error.message}")
    say(hint(error.hint or f"port443 explain {error.code}"))


def _document(error: Port443Error, exit_code: int) -> dict[str, object]:
    return {
        "schema": ERROR_SCHEMA,
        "code": error.code,
        "fault": error.fault,
        "retry": error.retry,
        "message": error.message,
        "hint": runnable(error.hint),
        "exit_code": exit_code,
        **error.facts(),
    }
