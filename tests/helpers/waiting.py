"""Wait for a condition with a deadline; the only way that a test waits."""

import asyncio
import select
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE_S = 0.01
HANG_S = 60.0
"""What takes so long hangs, however busy the machine is; nothing is measured by it."""


def wait_until(condition: Callable[[], T | None], within_s: float = HANG_S) -> T:
    """Call `condition` until it is true and return its value; fail when the time has passed."""
    end = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < end, f"not so within {within_s} s: {condition}"
        select.select([], [], [], PAUSE_S)
    return value


async def await_until(condition: Callable[[], T | Awaitable[T]], within_s: float = HANG_S) -> T:
    """Call `condition`, plain or async, until it is true and return its value."""
    end = time.monotonic() + within_s
    while True:
        value = condition()
        if isinstance(value, Awaitable):
            value = await value
        if value:
            return value
        assert time.monotonic() < end, f"not so within {within_s} s: {condition}"
        await _pause()


async def _pause() -> None:
    await asyncio.get_running_loop().run_in_executor(None, select.select, [], [], [], PAUSE_S)
