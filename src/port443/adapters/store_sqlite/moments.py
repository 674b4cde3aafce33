"""Times, as the database holds them: whole seconds since 1970 in UTC."""

from datetime import UTC, datetime


def seconds_of(moment: datetime) -> int:
    """Return the seconds of a moment, without their fraction."""
    return int(moment.timestamp())


def moment_of(seconds: int) -> datetime:
    """Return the moment that these seconds are."""
    return datetime.fromtimestamp(seconds, UTC)
