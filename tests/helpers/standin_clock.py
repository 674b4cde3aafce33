"""A clock that goes when it is told to."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from pki import NOW


@dataclass
class StandInClock:
    """Implements `Clock`."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        """Let so much time pass."""
        self.moment += timedelta(**span)
