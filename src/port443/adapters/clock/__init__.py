"""The machine's clock."""

from datetime import UTC, datetime


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time in UTC, with its zone."""
        return datetime.now(UTC)  # noqa: TID251 - the one implementation of ports.Clock
