"""The ring of session-ticket keys: a new one each hour, the last two kept."""

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from port443.core.contract.snapshot import Hash, TicketKey, hash_of

ROTATION = timedelta(hours=1)
GENERATIONS = 3
"""A ticket stays good for at least two rotations."""
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class TicketRing:
    """Newest first. Only the newest key's content is known here; of older ones the edge alone has it."""

    newest: TicketKey
    older: tuple[Hash, ...]
    since: datetime

    @classmethod
    def start(cls, now: datetime, running: tuple[Hash, ...] = ()) -> "TicketRing":
        """Put a fresh key in front of those that the edge already runs."""
        secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        return cls(TicketKey(secret), running[: GENERATIONS - 1], now)

    def rotated(self, now: datetime) -> "TicketRing":
        """Return the ring with another fresh key in front."""
        return TicketRing.start(now, self.hashes)

    def without_older(self) -> "TicketRing":
        """Return the ring without its older keys, which the edge has lost."""
        return replace(self, older=())

    @property
    def keys(self) -> tuple[TicketKey | Hash, ...]:
        """The ring as the planner takes it."""
        return (self.newest, *self.older)

    @property
    def hashes(self) -> tuple[Hash, ...]:
        return (hash_of(self.newest), *self.older)

    @property
    def due(self) -> datetime:
        """When the next key is due."""
        return self.since + ROTATION
