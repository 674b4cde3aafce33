"""A problem with its position in the file, and the errors that `load` and `from_flags` raise."""

from dataclasses import dataclass, field, replace
from typing import Final

from port443.core.errors import SettingsError
from port443.settings.error_kinds import ErrorKind
from port443.settings.source import Place, Source, visible

SHOWN: Final = 1000
"""Diagnostics that are printed; the others are only counted."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem at its position in the source."""

    kind: ErrorKind
    place: Place
    message: str
    hint: str = ""
    """The next step, or the value that was probably intended."""
    earlier: Place | None = None
    """The other position of a conflict."""
    path: str = field(default="", compare=False)
    """The setting, as `sites.app.example.com.to`."""

    def document(self) -> dict[str, object]:
        """Return the diagnostic for JSON."""
        return {
            "code": self.kind.code,
            "name": self.kind.name,
            "line": self.place.line,
            "column": self.place.column,
            "setting": self.path,
            "message": self.message,
            "hint": self.hint,
            "earlier": self.earlier and {"line": self.earlier.line, "column": self.earlier.column},
        }


class SettingsInvalid(SettingsError):
    """A settings file has mistakes; none of it was applied.

    Each is printed with its position, its own code and a hint: `port443 explain` takes those codes too.
    """

    code = "P443-E101"

    def __init__(self, source: Source, diagnostics: list[Diagnostic]) -> None:
        many = "1 mistake" if len(diagnostics) == 1 else f"{len(diagnostics)} mistakes"
        self.diagnostics = tuple(sorted(map(_shown, diagnostics), key=_order))
        self.source = source
        super().__init__(f"{source.name} has {many}", f"port443 explain {self.diagnostics[0].kind.code}")

    def report(self) -> str:
        """Return each mistake with its line and a caret, a thousand at most, and the number of the others."""
        blocks = [_block(self.source, one) for one in self.diagnostics[:SHOWN]]
        if len(self.diagnostics) > SHOWN:
            blocks.append(f"and {len(self.diagnostics) - SHOWN} more")
        return "\n".join(blocks)

    def facts(self) -> dict[str, object]:
        shown = self.diagnostics[:SHOWN]
        return {
            "file": self.source.name,
            "count": len(self.diagnostics),
            "mistakes": [one.document() for one in shown],
        }


class SettingsUnreadable(SettingsError):
    """The settings file cannot be opened.

    Check the path, and that the user who runs port443 may read the file.
    """

    code = "P443-E104"


class FlagsInvalid(SettingsError):
    """The flags of `port443 serve` do not make a site that can be served.

    The message names each flag and its problem. The rules are those of the settings file.
    """

    code = "P443-E103"


def _shown(diagnostic: Diagnostic) -> Diagnostic:
    """Replace the characters that a terminal would interpret; the text comes from the file."""
    message, hint, path = (visible(one) for one in (diagnostic.message, diagnostic.hint, diagnostic.path))
    return replace(diagnostic, message=message, hint=hint, path=path)


def _order(diagnostic: Diagnostic) -> tuple[int, int, str, str]:
    return diagnostic.place.line, diagnostic.place.column, diagnostic.kind.code, diagnostic.message


def _block(source: Source, diagnostic: Diagnostic) -> str:
    place, kind = diagnostic.place, diagnostic.kind
    lines = [
        f"{source.name}:{place.line}:{place.column}: {kind.code} {kind.name}: {diagnostic.message}",
        source.excerpt(place),
    ]
    if diagnostic.earlier:
        lines += ["      = the other one:", source.excerpt(diagnostic.earlier)]
    if diagnostic.hint:
        lines.append(f"      = {diagnostic.hint}")
    return "\n".join(lines)
