"""What is stored about CAs: accounts, attempts, and what counts against rate limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from port443.core.renew.known_cas import SpentKind


@dataclass(frozen=True, slots=True)
class AcmeAccount:
    """An account at a CA. Its key is kept before the CA has seen it, so that a crash does not lose it."""

    directory: str
    email: str
    """Empty without one."""
    url: str | None
    """None until the CA has said it."""
    key_pkcs8: bytes = field(repr=False)
    eab_key_id: str | None
    """The key of the customer's account that it is bound to."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to get a certificate, from its order to its end, good or bad."""

    directory: str
    started_at: datetime
    ended_at: datetime
    reason: str
    """Why it was made: the first certificate, or why the one before was renewed."""
    step: str
    """What was being done when it ended."""
    code: str | None = None
    """The code of the error that it ended with; None when it brought a certificate."""
    message: str = ""
    hint: str = ""
    generation: int | None = None
    """What it brought."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What is known of it: the URLs of account, order and certificate, the challenge, the profile."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Something that a CA has counted."""

    kind: SpentKind
    subject: str
    """By what it is counted: the account's URL, the names, one name; empty for an account."""
    at: datetime
