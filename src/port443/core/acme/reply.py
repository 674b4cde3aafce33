"""A CA's reply as a value, and what can be read from it: JSON fields, links, when to ask again."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import Any

from port443.core.acme.errors import CAReplyInvalid
from port443.core.acme.urls import held_to, host_of

SECONDS = re.compile(r"[0-9]{1,9}")
LINK = re.compile(r"<([^<>]{1,2048})>([^<]*)")
RELATION = re.compile(r';\s*rel\s*=\s*"?([^";,]*)"?', re.IGNORECASE)
LONGEST_PAUSE_S = 30 * 86400.0
"""What is longer than any pause that a CA has a reason to ask for is cut to this."""
MAX_LINKS = 16
MAX_LIST = 1000


@dataclass(frozen=True, slots=True)
class Moment:
    """The time, twice: deadlines are counted on the clock that nobody sets."""

    wall: datetime
    monotonic_s: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response; the fields that ACME has a use for, as they stood."""

    url: str
    """Where it was asked for."""
    status: int
    content_type: str = ""
    body: bytes = field(default=b"", repr=False)
    location: str | None = None
    retry_after: str | None = None
    date: str | None = None
    links: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def document(self) -> "Document":
        """Return the JSON object that it holds; raises `CAReplyInvalid`."""
        try:
            value = json.loads(self.body.decode())
        except (ValueError, RecursionError) as error:
            raise self.invalid(f"is no JSON: {str(error)[:100]}") from error
        if not isinstance(value, dict):
            raise self.invalid("is no JSON object")
        return Document(self, value)

    def invalid(self, why: str) -> CAReplyInvalid:
        return CAReplyInvalid(
            f"a reply of the CA at {host_of(self.url)} {why} (status {self.status}, from {self.url})",
            "look at whether the directory's URL is right and the CA is well; it is tried again",
        )

    def own_location(self, what: str) -> str:
        """Return the URL in `Location`, of the CA's own origin."""
        if self.location is None:
            raise self.invalid(f"has no Location for the {what}")
        return held_to(self.url, self.location, what)

    def linked(self, relation: str) -> Iterator[str]:
        """Yield the targets of the links with this relation (RFC 8288), unchecked and bounded in number."""
        found = (match for header in self.links[:MAX_LINKS] for match in LINK.finditer(header))
        for match, _ in zip(found, range(MAX_LINKS), strict=False):
            if relation in (value.strip().lower() for value in RELATION.findall(match[2])):
                yield match[1]

    def pause_s(self, now: Moment) -> float | None:
        """Return how long `Retry-After` asks to wait (RFC 9110 §10.2.3); None when it does not say.

        A date is compared with the CA's own `Date`, so that no clock of ours can be wrong.
        """
        if self.retry_after is None:
            return None
        text = self.retry_after.strip()
        if SECONDS.fullmatch(text):
            return min(float(text), LONGEST_PAUSE_S)
        until = http_date(text)
        if until is None:
            return None
        since = http_date(self.date or "") or now.wall
        return min(max((until - since).total_seconds(), 0.0), LONGEST_PAUSE_S)

    def retry_at(self, now: Moment) -> datetime | None:
        """Return the same as a time of our clock, for what outlives the process."""
        pause = self.pause_s(now)
        return None if pause is None else now.wall + timedelta(seconds=pause)


class Document:
    """The fields of a JSON object of a CA: each is what its name says, or the reply is refused."""

    def __init__(self, reply: Reply, fields: dict[str, Any]) -> None:
        self._reply = reply
        self._fields = fields

    def text(self, name: str) -> str:
        if (value := self.optional_text(name)) is None:
            raise self._reply.invalid(f"has no {name!r}")
        return value

    def optional_text(self, name: str) -> str | None:
        value = self._fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self._reply.invalid(f"has a {name!r} that is no text")
        return value

    def flag(self, name: str) -> bool:
        return self._fields.get(name) is True

    def own_url(self, name: str) -> str:
        """Return a URL of the CA's own origin."""
        return held_to(self._reply.url, self.text(name), name)

    def optional_url(self, name: str) -> str | None:
        return None if self._fields.get(name) is None else self.own_url(name)

    def own_urls(self, name: str) -> tuple[str, ...]:
        return tuple(held_to(self._reply.url, link, name) for link in self.texts(name))

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise self._reply.invalid(f"has something in {name!r} that is no text")
        return tuple(values)

    def object(self, name: str) -> "Document":
        """Return an object inside; an empty one when there is none."""
        value = self._fields.get(name) or {}
        if not isinstance(value, dict):
            raise self._reply.invalid(f"has a {name!r} that is no object")
        return Document(self._reply, value)

    def objects(self, name: str) -> tuple["Document", ...]:
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            raise self._reply.invalid(f"has something in {name!r} that is no object")
        return tuple(Document(self._reply, value) for value in values)

    def mapping(self) -> dict[str, Any]:
        """Return all fields as they stand."""
        return self._fields

    def _list(self, name: str) -> list[Any]:
        value = self._fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MAX_LIST:
            raise self._reply.invalid(f"has a {name!r} that is no list, or one of more than {MAX_LIST}")
        return value


def http_date(text: str) -> datetime | None:
    """Read a date of HTTP (RFC 9110 §5.6.7), also one in a zone that HTTP does not allow; else None."""
    try:
        found = parsedate_tz(text)
        if found is None:
            parsed = datetime.fromisoformat(text.strip())
            return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        return datetime(*found[:6], tzinfo=UTC) - timedelta(seconds=found[9] or 0)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
