"""The targets of a scan: from the command line, and from a list in a file or on standard input."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from port443.core.errors import Port443Error, SettingsError
from port443.core.grade.report import Place, ScanTarget
from port443.settings.scan_request import TargetInvalid, read_target

STANDARD_INPUT: Final = "-"
MAX_TARGETS: Final = 100_000


class ListUnreadable(SettingsError):
    """The list of targets cannot be read, or names too many.

    A list has one target a line, as on the command line; what follows a # is a comment. Split a
    longer one, and scan the parts one after the other.
    """

    code = "P443-E174"


@dataclass(frozen=True, slots=True)
class Named:
    """A target, and where a list names it."""

    target: ScanTarget
    place: Place | None = None


def read_list(path: str, connect: str | None, servername: str | None) -> Iterator[Named]:
    """Read one target a line; raises with the line that is wrong."""
    count = 0
    for number, line in enumerate(_lines(path), 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        count += 1
        if count > MAX_TARGETS:
            raise ListUnreadable(f"{path} names more than {MAX_TARGETS} targets", "split it")
        try:
            target = read_target(text, connect, servername)
            yield Named(target, None if path == STANDARD_INPUT else (path, number))
        except Port443Error as error:
            raise TargetInvalid(f"{path}:{number}: {error.message}", error.hint) from error


def _lines(path: str) -> Iterator[str]:
    try:
        if path == STANDARD_INPUT:
            yield from sys.stdin
        else:
            with open(path, encoding="utf-8") as file:  # noqa: PTH123 - a path as the user wrote it
                yield from file
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ListUnreadable(
            f"{path} cannot be read: {why}", "name a text file with one target a line"
        ) from error
