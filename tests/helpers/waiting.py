"""Wait for a condition with a deadline; the only way that a test waits."""

import asyncio
import select
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
SHORTEST_S, LONGEST_S = 0.002, 0.05
HANG_S = 60.0
"""What takes so long hangs, however busy the machine is; nothing is measured by it."""


def wait_until(condition: Callable[[], T | None], within_s: float = HANG_S) -> T:
    """Call `condition` until it is true and return its value; fail when the time has passed."""
    began = time.monotonic()
    while not (value := condition()):
        select.select([], [], [], _pause(began, within_s, condition))
    return value


async def await_until(condition: Callable[[], T | Awaitable[T]], within_s: float = HANG_S) -> T:
    """Call `condition`, plain or async, until it is true and return its value."""
    began = time.monotonic()
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        pause = _pause(began, within_s, condition)
        await asyncio.get_running_loop().run_in_executor(None, select.select, [], [], [], pause)


def _pause(began: float, within_s: float, condition: object) -> float:
    """Return a tenth of what was waited already: looking often costs, what is soon so is soon seen."""
    waited = time.monotonic() - began
    assert waited < within_s, f"not so within {within_s} s: {condition}"
    return min(max(waited / 10, SHORTEST_S), LONGEST_S)
