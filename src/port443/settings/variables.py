"""Variables, which templates have and settings do not."""

import re
from typing import Final

VARIABLE: Final = re.compile(
    r"\$\{[A-Za-z_][^{}\s]*\}?|\$[A-Za-z_]\w*|\{\{.*?\}\}|\{\$\w+\}|\{env\.\w+\}|%[A-Z_]{3,}%"
)
"""Those of the shell, Compose, Jinja, Helm, Caddy and Windows."""


def variable_in(text: str) -> str | None:
    """Return the first variable in a value, or None."""
    found = VARIABLE.search(text) if "$" in text or "{" in text or "%" in text else None
    return found[0] if found else None


def variable_at(text: str, start: int) -> str | None:
    """Return the variable that a text has at an index, or None."""
    found = VARIABLE.match(text, start) if text.startswith(("{{", "{$", "{env."), start) else None
    return found[0] if found else None
