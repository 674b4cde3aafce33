"""What speaks against a value, by its path; a place in a file or the name of a flag is found later."""

from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches

from port443.settings.kinds import Kind

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that is wrong, at the setting with this path."""

    kind: Kind
    path: Path
    message: str
    hint: str = ""
    _: KW_ONLY
    at_key: bool = False
    """Whether the key itself is meant, not its value."""
    earlier: Path | None = None
    """The other setting of a conflict."""
    earlier_at_key: bool = False


def suggestion(word: str, known: list[str]) -> str:
    """Return what was probably meant, as a question, or nothing."""
    close = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else ""
