"""A problem of a setting, by the path of the setting.

`locate` turns the path into a position in a file, `flags` into the name of an option.
"""

from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches

from port443.settings.error_kinds import ErrorKind

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with the setting at `path`."""

    kind: ErrorKind
    path: Path
    message: str
    hint: str = ""
    _: KW_ONLY
    at_key: bool = False
    """Whether the problem is the key, not its value."""
    earlier: Path | None = None
    """The other setting of a conflict."""
    earlier_at_key: bool = False


def suggestion(word: str, known: list[str]) -> str:
    """Return `did you mean …?` for the closest known word, or an empty string."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
