"""A rate limit for each kind of log line: clients can cause any number of events."""

from collections.abc import Iterator
from dataclasses import dataclass, field

BURST = 20
"""Lines of one kind that are written however fast they come."""
EACH_PERIOD = 2
"""Lines of it that are written in each later period."""
PERIOD_S = 10.0

Kind = tuple[str, str]
"""An event's name, and its reason or server: there are only so many."""


@dataclass(slots=True)
class _Count:
    written: int = 0
    """Lines that were written, less those that later periods allow again."""
    suppressed: int = 0


@dataclass(slots=True)
class LogThrottle:
    """Counts the lines of each kind, and those that were left out."""

    _kinds: dict[Kind, _Count] = field(default_factory=dict)

    def admits(self, kind: Kind) -> bool:
        """Whether one more line is to be written; else it is counted."""
        count = self._kinds.setdefault(kind, _Count())
        if count.written < BURST:
            count.written += 1
            return True
        count.suppressed += 1
        return False

    def count(self, kind: Kind, suppressed: int) -> None:
        """Count lines that were suppressed by the sender."""
        self._kinds.setdefault(kind, _Count()).suppressed += suppressed

    def settle(self) -> Iterator[tuple[Kind, int]]:
        """Return the suppressed lines since the last call; call it every PERIOD_S seconds."""
        for kind, count in list(self._kinds.items()):
            if count.suppressed:
                yield kind, count.suppressed
            count.suppressed = 0
            count.written = max(0, count.written - EACH_PERIOD)
            if not count.written:
                del self._kinds[kind]
