"""How signals end a command that serves."""

import asyncio
import logging
import signal
from types import FrameType
from typing import Self

from port443.app.serve import App

ENDS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
HARMLESS = (
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGVTALRM,
    signal.SIGPROF,
    signal.SIGIO,
    signal.SIGPWR,
)
"""Their default is to kill, and they have no meaning here: the first two make other servers reopen their log,
which is done here by itself; the others are of timers, of input and of a power supply."""

log = logging.getLogger("port443")


class Ending:
    """The first signal ends gracefully; a second one, or one during the start, ends immediately.

    Made first in the task that serves: an immediate end cancels this task, and its context managers end
    what it has started. From then on to the end of the process no signal raises an exception:
    those that arrive when all is done change nothing.
    """

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._app: App | None = None
        self._is_reload_due = False
        # Not the loop's own handlers: closing the loop would restore those that raise or kill.
        for number in (*ENDS, signal.SIGHUP, *HARMLESS):
            signal.signal(number, self._note)
        # But the loop must be woken by signals, as it is when it has its own handler.
        self._loop.add_signal_handler(signal.SIGWINCH, lambda: None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Before the loop is closed: that closes the descriptor that signals are written to.
        self._loop.remove_signal_handler(signal.SIGWINCH)

    def started(self, app: App) -> None:
        """Let signals end `app`, and SIGHUP reload it, also one that arrived before."""
        self._app = app
        if self._is_reload_due:
            app.request_reload()

    def _note(self, number: int, _: FrameType | None) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._obey, number)

    def _obey(self, number: int) -> None:
        if number in HARMLESS:
            log.info("signal_ignored", extra={"signal": signal.Signals(number).name})
        elif number == signal.SIGHUP:
            self._reload()
        else:
            self._end()

    def _reload(self) -> None:
        if self._app:
            self._app.request_reload()
        else:
            self._is_reload_due = True

    def _end(self) -> None:
        if self._app and not self._app.is_stopping:
            self._app.request_stop()
        elif self._task:
            self._task.cancel()
