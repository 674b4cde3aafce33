"""One host on which the program spins does not keep the others from their results."""

import asyncio
import signal

import pytest

from port443.cli.stall import StallGuard
from port443.core.probe.failures import ScanFaulted


def spin() -> None:
    while True:
        pass


async def beside(stall_s: float) -> list[str]:
    """Let one task spin for ever beside one that takes its time."""

    async def spinning() -> str:
        try:
            spin()
        except ScanFaulted as error:
            return error.code
        return "it ended"

    async def waiting() -> str:
        await asyncio.sleep(0.01)
        return "done"

    with StallGuard(stall_s):
        return list(await asyncio.gather(spinning(), waiting()))


def test_what_spins_is_ended_and_the_others_go_on() -> None:
    """The error is raised in the task that holds the loop up."""
    assert asyncio.run(beside(0.1)) == ["P443-E514", "done"]
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def test_a_loop_that_turns_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much it works, as long as it comes back to the loop."""
    monkeypatch.setattr("port443.cli.stall.BEAT_S", 0.001)

    async def work() -> None:
        for _ in range(40):
            sum(range(100_000))
            await asyncio.sleep(0)

    async def guarded() -> None:
        with StallGuard(0.1):
            await work()

    asyncio.run(guarded())
