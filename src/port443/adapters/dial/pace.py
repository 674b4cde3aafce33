"""How many connections to one address at a time, and how soon after each other."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

GROWS_AFTER = 4
"""Connections that went well before one more is allowed beside them, or the pause gets shorter."""
SHORTEST_PAUSE_S = 0.03
LONGEST_PAUSE_S = 2.0
EASES = 0.8
"""What a pause shrinks to when connections go well: slowly, or the limit would be met again at once."""


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
        """Whether nobody holds or waits for a turn."""
        return not self._open and not self._waiting

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a connection may be opened, and count it while inside."""
        while self._open >= self._allowed:
            await self._woken()
        self._open += 1
        try:
            await self._wait()
            yield
        finally:
            self._open -= 1
            self._wake()

    async def _woken(self) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._wake()  # it was this one's turn, and is the next one's now
            raise
        finally:
            if place in self._waiting:
                self._waiting.remove(place)

    def _wake(self) -> None:
        """Wake as many as there is room for; each looks again whether it is so."""
        for _ in range(self._allowed - self._open):
            while self._waiting:
                place = self._waiting.popleft()
                if not place.done():
                    place.set_result(None)
                    break

    async def _wait(self) -> None:
        now = asyncio.get_running_loop().time()
        begins = max(now, self._next)
        self._next = begins + self._pause_s
        if begins > now:
            await asyncio.sleep(begins - now)

    def went_well(self) -> None:
        """Count a connection over which an answer came."""
        self._good += 1
        if self._good >= GROWS_AFTER:
            self._good = 0
            self._allowed = min(self._most, self._allowed + 1)
            self._wake()
            self._pause_s = self._pause_s * EASES if self._pause_s > SHORTEST_PAUSE_S else 0.0

    def had_trouble(self) -> None:
        """Allow half as many at a time: a connection was reset, or met silence."""
        self._good = 0
        self._allowed = max(1, self._allowed // 2)

    def back_off(self) -> None:
        """Allow one at a time, and double the pause: the server refuses what it accepts at other times.

        Several connections that fail together count once: no later one has shown yet what the pause does.
        """
        now = asyncio.get_running_loop().time()
        self._good = 0
        self._allowed = 1
        if now >= self._next:
            self._pause_s = min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, 2 * self._pause_s))
            self._next = now + self._pause_s
