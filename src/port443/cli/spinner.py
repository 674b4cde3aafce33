"""One line of progress on a terminal; one line for each finished target elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self

from port443.cli import output

CLEAR = "\r\x1b[K"
EVERY_S = 0.08
MINUTE_S = 60


class Spinner:
    """Show the progress of a scan on stderr; on a terminal it is erased at the end."""

    def __init__(self, targets: int) -> None:
        self._targets = targets
        self._finished = 0
        self._began = time.monotonic()
        self._last = 0.0
        self._is_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def show(self, target: str, connections: int) -> None:
        """Show the current target; rate-limited for the eye."""
        now = time.monotonic()
        if not self._is_terminal or now - self._last < EVERY_S:
            return
        self._last = now
        place = f"{self._finished}/{self._targets} done  " if self._targets > 1 else ""
        words = f"{place}{target}  {connections} connections  {now - self._began:.1f} s{self._left(now)}"
        sys.stderr.write(f"{CLEAR}{words}")
        sys.stderr.flush()

    def _left(self, now: float) -> str:
        """Guess how long the other targets take, from those that are done."""
        if not 0 < self._finished < self._targets:
            return ""
        left_s = (now - self._began) / self._finished * (self._targets - self._finished)
        return (
            f"  about {left_s:.0f} s left"
            if left_s < MINUTE_S
            else f"  about {left_s / MINUTE_S:.0f} min left"
        )

    def done(self, target: str) -> None:
        """Count a finished target."""
        self._finished += 1
        if not self._is_terminal and self._targets > 1:
            output.say(f"{self._finished}/{self._targets} {target}")

    def clear(self) -> None:
        """Erase the line, before something is printed."""
        if self._is_terminal:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
