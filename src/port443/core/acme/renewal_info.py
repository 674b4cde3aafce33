"""When a CA wants a certificate to be renewed (RFC 9773), and the moment that is chosen from it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from port443.core.acme.directory import Directory
from port443.core.acme.flow import Flow, Get, accepted
from port443.core.acme.jws import encode
from port443.core.acme.problems import clean
from port443.core.acme.reply import Document
from port443.core.x509.facts import CertFacts

POLL_AFTER = timedelta(hours=6)
SOONEST, LATEST = timedelta(minutes=1), timedelta(days=1)
"""Bounds for the CA's `Retry-After` (RFC 9773 §4.3.2)."""


@dataclass(frozen=True, slots=True)
class RenewalInfo:
    """The window within which the CA suggests to renew."""

    start: datetime
    end: datetime
    explanation_url: str | None
    """A page for people, never fetched by us."""
    poll_at: datetime
    """When to ask again."""


def certificate_id(leaf: CertFacts) -> str | None:
    """Return what names a certificate to its CA (RFC 9773 §4.1); None when it has no authority key id."""
    if leaf.authority_key_id is None or leaf.serial < 0:
        return None
    # The serial as DER has it: a leading zero where the highest bit is set.
    serial = leaf.serial.to_bytes(leaf.serial.bit_length() // 8 + 1)
    return f"{encode(leaf.authority_key_id)}.{encode(serial)}"


def renewal_info(directory: Directory, leaf: CertFacts) -> Flow[RenewalInfo | None]:
    """Return what the CA suggests; None when it, or this certificate, has no renewal information."""
    named = certificate_id(leaf)
    if directory.renewal_info is None or named is None:
        return None
    url = f"{directory.renewal_info.removesuffix('/')}/{named}"
    answer = yield from accepted(Get(url), "the renewal information", tuple(map(str, leaf.names[:1])))
    document = answer.reply.document()
    window = document.object("suggestedWindow")
    start, end = (_moment(window, which) for which in ("start", "end"))
    if start is None or end is None or end <= start:
        raise answer.reply.invalid("has no renewal window with a start before its end")
    asked = answer.reply.pause_s(answer.now)
    pause = POLL_AFTER if asked is None else min(max(timedelta(seconds=asked), SOONEST), LATEST)
    explanation = clean(document.optional_text("explanationURL")) or None
    return RenewalInfo(start, end, explanation, answer.now.wall + pause)


def _moment(window: Document, which: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(window.text(which))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None
