"""How fast connections go to one address: fewer after trouble, later after noise, and back again."""

import asyncio
from collections.abc import Awaitable, Callable

from port443.adapters.dial.pace import GROWS_AFTER, LONGEST_PAUSE_S, SHORTEST_PAUSE_S, Pace


def run(work: Callable[[Pace], Awaitable[None]], most: int = 4) -> Pace:
    async def inside() -> Pace:
        pace = Pace(most)
        await work(pace)
        return pace

    return asyncio.run(inside())


def test_trouble_halves_what_success_brings_back() -> None:
    """Each reset or time-out halves the connections at a time, four good ones allow one more."""

    async def work(pace: Pace) -> None:
        seen = []
        for _ in range(3):
            pace.record_failure()
            seen.append(pace.allowed)
        assert seen == [2, 1, 1]
        for _ in range(2 * GROWS_AFTER):
            pace.record_success()

    pace = run(work)
    assert (pace.allowed, pace.pause_s) == (3, 0.0)


def test_connections_that_fail_together_double_the_pause_once() -> None:
    """The pause has had no chance to help yet."""

    async def work(pace: Pace) -> None:
        for _ in range(5):
            pace.back_off()
        assert (pace.allowed, pace.pause_s) == (1, SHORTEST_PAUSE_S)
        async with pace.slot():
            pass
        pace.back_off()  # the next turn is due only after the pause
        assert pace.pause_s == SHORTEST_PAUSE_S
        await asyncio.sleep(SHORTEST_PAUSE_S)
        pace.back_off()

    assert run(work).pause_s == 2 * SHORTEST_PAUSE_S


def test_the_pause_is_kept_between_connections_and_goes_away() -> None:
    """Three turns take three pauses; the pause has a bound, and shrinks."""

    async def work(pace: Pace) -> None:
        began = asyncio.get_running_loop().time()
        pace.back_off()
        for _ in range(3):
            async with pace.slot():
                pass
        assert asyncio.get_running_loop().time() - began >= 3 * SHORTEST_PAUSE_S * 0.99
        for _ in range(100 * GROWS_AFTER):
            pace.record_success()

    pace = run(work)
    assert (pace.pause_s, pace.allowed) == (0.0, 4)
    assert LONGEST_PAUSE_S <= 2


def test_whoever_leaves_the_queue_gives_its_turn_to_the_next() -> None:
    """A cancelled waiter takes no turn, also when it had just been woken."""

    async def work(pace: Pace) -> None:
        async def take() -> str:
            async with pace.slot():
                return "done"

        async with asyncio.TaskGroup() as tasks:
            async with pace.slot():
                leaving, staying = tasks.create_task(take()), tasks.create_task(take())
                await asyncio.sleep(0)
            leaving.cancel()  # it has been woken, and has not run yet
            assert await staying == "done"
        assert pace.is_idle

    run(work, most=1)
