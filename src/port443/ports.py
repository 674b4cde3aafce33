"""What the use-cases need from outside: Protocols only, each a small power."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The time. One per process, so that a test can own it."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""
        ...
