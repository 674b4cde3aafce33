"""A mistake at its place, and the errors that carry mistakes to whoever asked."""

from dataclasses import dataclass, field, replace
from typing import Final

from port443.core.errors import SettingsError
from port443.settings.kinds import Kind
from port443.settings.source import Place, Source, visible

SHOWN: Final = 1000
"""Mistakes that are printed; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake at its place."""

    kind: Kind
    place: Place
    message: str
    hint: str = ""
    """The next step, or what was probably meant."""
    earlier: Place | None = None
    """The other place of a conflict."""
    path: str = field(default="", compare=False)
    """The setting, as `sites.app.example.com.to`."""

    def document(self) -> dict[str, object]:
        """Return the mistake for JSON."""
        return {
            "code": self.kind.code,
            "name": self.kind.word,
            "line": self.place.line,
            "column": self.place.column,
            "setting": self.path,
            "message": self.message,
            "hint": self.hint,
            "earlier": self.earlier and {"line": self.earlier.line, "column": self.earlier.column},
        }


class SettingsWrong(SettingsError):
    """A settings file has mistakes; none of it was applied.

    Each is printed with its place, its own code and a way out: `port443 explain` takes those codes too.
    """

    code = "P443-E101"

    def __init__(self, source: Source, mistakes: list[Mistake]) -> None:
        many = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        self.mistakes = tuple(sorted(map(_shown, mistakes), key=_order))
        self.source = source
        super().__init__(f"{source.name} has {many}", f"port443 explain {self.mistakes[0].kind.code}")

    def report(self) -> str:
        """Return each mistake with its line and a caret, a thousand at most, and the number of the others."""
        blocks = [_block(self.source, one) for one in self.mistakes[:SHOWN]]
        if len(self.mistakes) > SHOWN:
            blocks.append(f"and {len(self.mistakes) - SHOWN} more")
        return "\n".join(blocks)

    def facts(self) -> dict[str, object]:
        shown = self.mistakes[:SHOWN]
        return {
            "file": self.source.name,
            "count": len(self.mistakes),
            "mistakes": [one.document() for one in shown],
        }


class SettingsUnreadable(SettingsError):
    """The settings file cannot be opened.

    Check the path, and that the user who runs port443 may read the file.
    """

    code = "P443-E104"


class FlagsWrong(SettingsError):
    """The flags of `port443 serve` do not make a site that can be served.

    The message names each flag and what is wrong with it; what holds for the settings file holds for them.
    """

    code = "P443-E103"


def _shown(mistake: Mistake) -> Mistake:
    """Return the mistake in words that any terminal can show, whatever the file holds."""
    message, hint, path = (visible(one) for one in (mistake.message, mistake.hint, mistake.path))
    return replace(mistake, message=message, hint=hint, path=path)


def _order(mistake: Mistake) -> tuple[int, int, str, str]:
    return mistake.place.line, mistake.place.column, mistake.kind.code, mistake.message


def _block(source: Source, mistake: Mistake) -> str:
    place, kind = mistake.place, mistake.kind
    lines = [
        f"{source.name}:{place.line}:{place.column}: {kind.code} {kind.word}: {mistake.message}",
        source.excerpt(place),
    ]
    if mistake.earlier:
        lines += ["      = the other one:", source.excerpt(mistake.earlier)]
    if mistake.hint:
        lines.append(f"      = {mistake.hint}")
    return "\n".join(lines)
