"""What Set-Cookie fields say (RFC 6265 §5.2); values are never kept."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie as it is set, without its value."""

    name: str
    attributes: frozenset[str]
    """Their names in lower case."""


def cookies_of(fields: Iterable[tuple[str, str]]) -> tuple[Cookie, ...]:
    """Read every cookie that is set; one without a name is passed over, as browsers do."""
    return tuple(cookie for key, value in fields if key == "set-cookie" and (cookie := _cookie(value)).name)


def _cookie(text: str) -> Cookie:
    pair, *rest = text.split(";")
    attributes = frozenset(part.partition("=")[0].strip().lower() for part in rest)
    return Cookie(pair.partition("=")[0].strip() if "=" in pair else "", attributes)
