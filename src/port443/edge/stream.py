"""The edge's events as one stream, over its restarts."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

from port443.core.contract.events import Event
from port443.core.errors import EdgeError
from port443.edge.client import EdgeClient

BOOKMARK = "events.told"
RETRY_S = 0.05

log = logging.getLogger(__name__)


class EventStream:
    """The position in the edge's events: the boot, and the number of the last event.

    It is stored beside the socket, so that the next control plane continues from there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bookmark = path.with_name(BOOKMARK)
        self._boot, self._last = self._remembered()
        self._open: EdgeClient | None = None
        self._is_ended = False

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until `end()` is called; reconnect when the edge has ended."""
        while not self._is_ended:
            try:
                async for event in self._of_one_connection():
                    yield event
                    self._remember(event)
            except EdgeError as error:
                log.debug("events_interrupted", extra={"reason": error.message})
            if not self._is_ended:
                await asyncio.sleep(RETRY_S)

    def end(self) -> None:
        """Have `events()` end, also while it waits."""
        self._is_ended = True
        if self._open is not None:
            self._open.connection.interrupt()

    def _remembered(self) -> tuple[str | None, int]:
        try:
            boot, number = self._bookmark.read_text(encoding="ascii").split()
            return boot, int(number)
        except (OSError, ValueError):
            return None, 0

    def _remember(self, event: Event) -> None:
        """Note that `event` has been dealt with."""
        self._boot, self._last = event.boot, max(self._last, event.number)
        with contextlib.suppress(OSError):  # a full directory costs a repetition in the log
            mark = os.open(self._bookmark, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(mark, f"{self._boot} {self._last:<20}\n".encode("ascii"), 0)
            finally:
                os.close(mark)

    async def _of_one_connection(self) -> AsyncIterator[Event]:
        client = await EdgeClient.open(self._path)
        self._open = client
        try:
            identity = await client.identify()
            begin = await client.begin_events(self._last if identity.boot == self._boot else 0)
            if begin.boot != self._boot:
                self._boot, self._last = begin.boot, 0
            async for event in client.events():
                yield event
        finally:
            self._open = None
            client.close()
