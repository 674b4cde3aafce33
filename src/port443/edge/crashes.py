"""How often the edge has died of late, and how long to wait before the next start."""

from collections import deque

WINDOW_S = 60.0
MOST = 10
"""Crashes within the window after which the supervisor gives up."""
AT_ONCE = 3
"""Deaths that are answered without any wait: a crash should cost less than a second."""
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0


class Crashes:
    """The deaths of the last minute; times come from the caller's clock."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST)

    def note(self, now: float) -> None:
        """Count one death."""
        self._times.append(now)

    def are_too_many(self, now: float) -> bool:
        """Whether the bound is reached."""
        return self._recent(now) >= MOST

    def delay_s(self, now: float) -> float:
        """Return the wait before the next start."""
        more = self._recent(now) - AT_ONCE
        return 0.0 if more <= 0 else min(FIRST_DELAY_S * 2.0 ** (more - 1), LONGEST_DELAY_S)

    def _recent(self, now: float) -> int:
        return sum(1 for time in self._times if now - time < WINDOW_S)
