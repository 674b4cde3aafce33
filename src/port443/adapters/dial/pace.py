"""Limits the number and the rate of connections to one address."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GROWS_AFTER = 4
"""Successful connections before one more is allowed at a time, or the pause gets shorter."""
SHORTEST_PAUSE_S = 0.03
LONGEST_PAUSE_S = 2.0
PAUSE_FACTOR = 0.8
"""The factor of a pause after success: near 1, or the limit would be reached again immediately."""


class Pace:
    """Connections to one address: fewer after a reset or a time-out, and later after `back_off`.

    Additive increase and multiplicative decrease, as TCP has it (RFC 5681 §3.1).
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = most
        self._open = 0
        self._good = 0
        self._pause_s = 0.0
        self._next = 0.0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def pause_s(self) -> float:
        """The least time between the starts of two connections."""
        return self._pause_s

    @property
    def allowed(self) -> int:
        """How many connections may be open at a time."""
        return self._allowed

    @property
    def is_idle(self) -> bool:
        """Whether no slot is held or waited for."""
        return not self._open and not self._waiting

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait until a connection may be opened, and count it while inside."""
        while self._open >= self._allowed:
            await self._wait_for_slot()
        self._open += 1
        try:
            await self._wait_for_pause()
            yield
        finally:
            self._open -= 1
            self._wake()

    async def _wait_for_slot(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._wake()  # this slot is cancelled, the next waiter may take it
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def _wake(self) -> None:
        """Wake as many waiters as there is room for; each checks its condition again."""
        for _ in range(self._allowed - self._open):
            while self._waiting:
                waiter = self._waiting.popleft()
                if not waiter.done():
                    waiter.set_result(None)
                    break

    async def _wait_for_pause(self) -> None:
        now = asyncio.get_running_loop().time()
        begins = max(now, self._next)
        self._next = begins + self._pause_s
        if begins > now:
            await asyncio.sleep(begins - now)

    def record_success(self) -> None:
        """Count a connection that was answered."""
        self._good += 1
        if self._good >= GROWS_AFTER:
            self._good = 0
            self._allowed = min(self._most, self._allowed + 1)
            self._wake()
            self._pause_s = self._pause_s * PAUSE_FACTOR if self._pause_s > SHORTEST_PAUSE_S else 0.0

    def record_failure(self) -> None:
        """Halve the concurrency: a connection was reset, or timed out."""
        self._good = 0
        self._allowed = max(1, self._allowed // 2)

    def back_off(self) -> None:
        """Allow one connection at a time, and double the pause: the server refuses some of what it accepts.

        Several connections that fail together count once: no later one has shown the effect of the pause yet.
        """
        now = asyncio.get_running_loop().time()
        self._good = 0
        self._allowed = 1
        if now >= self._next:
            self._pause_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, 2 * self._pause_s))
            self._next = now + self._pause_s
