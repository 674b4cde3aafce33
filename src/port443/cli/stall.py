"""End what holds the event loop up: a time limit that does not rest on the code it is for."""

import asyncio
import signal
from types import FrameType, TracebackType
from typing import Final, Self

from port443.core.probe.failures import ScanFaulted

STALL_S: Final = 5.0
"""Of processor time without a turn of the loop. All that a scan does at a stretch takes milliseconds."""
BEAT_S: Final = 0.5


class StallGuard:
    """While it is entered, raises `ScanFaulted` in whatever keeps the loop from turning.

    That runs in the task of one host, so that the others go on. Processor time counts: a machine that is
    asleep or busy with something else ends nothing.
    """

    def __init__(self, stall_s: float = STALL_S) -> None:
        self._stall_s = stall_s
        self._next: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGVTALRM, _raise)
        self._beat()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._next is not None:
            self._next.cancel()
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, self._before)

    def _beat(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, self._stall_s)
        self._next = asyncio.get_running_loop().call_later(BEAT_S, self._beat)


def _raise(_: int, __: FrameType | None) -> None:
    raise ScanFaulted(
        "this scan took seconds of processor time at a stretch, which is a defect of port443 to report"
    )
