"""The attributes of Set-Cookie fields (RFC 6265 §5.2); values are never kept."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie as it is set, without its value."""

    name: str
    attributes: frozenset[str]
    """Their names in lower case."""
    same_site: str | None = None
    """The value of SameSite in lower case."""

    @property
    def is_session(self) -> bool:
        """Whether its name says that it lets a user in."""
        return any(word in self.name.lower() for word in ("login", "sess"))

    @property
    def is_guard(self) -> bool:
        """Whether its name says that it guards against forged requests."""
        return "csrf" in self.name.lower()

    @property
    def is_same_site_valid(self) -> bool:
        """Whether SameSite, where it is there, has a value that browsers heed; None needs Secure."""
        if self.same_site is None:
            return True
        return self.same_site in {"lax", "strict"} or (
            self.same_site == "none" and "secure" in self.attributes
        )


def cookies_of(fields: Iterable[tuple[str, str]]) -> tuple[Cookie, ...]:
    """Read every cookie that is set; one without a name is passed over, as browsers do."""
    return tuple(cookie for key, value in fields if key == "set-cookie" and (cookie := _cookie(value)).name)


def _cookie(text: str) -> Cookie:
    pair, *rest = text.split(";")
    said = {
        key.strip().lower(): value.strip().lower() for key, _, value in (part.partition("=") for part in rest)
    }
    name = pair.partition("=")[0].strip() if "=" in pair else ""
    return Cookie(name, frozenset(said), said.get("samesite"))
