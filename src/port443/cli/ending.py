"""How signals end a command that serves."""

import asyncio
import signal
from collections.abc import Callable

from port443.app.serve import ControlPlane


class Ending:
    """The first SIGTERM or SIGINT ends serving politely; a second one, or one during the start, at once.

    Made first thing in the task that serves: ending at once means that this task is cancelled, and what it
    has started is ended on the way out.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._on_end(self._at_once)
        self._loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def started(self, plane: ControlPlane) -> None:
        """Have signals end `plane`, and SIGHUP reload it."""

        def politely() -> None:
            plane.stop()
            self._on_end(self._at_once)

        self._on_end(politely)
        self._loop.add_signal_handler(signal.SIGHUP, plane.ask_reload)

    def _on_end(self, action: Callable[[], None]) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, action)

    def _at_once(self) -> None:
        if self._task:
            self._task.cancel()
