"""The edge's events as one stream, over its restarts."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

from port443.core.errors import EdgeError
from port443.core.plan.events import Event
from port443.edge.client import EdgeClient

RETRY_S = 0.05

log = logging.getLogger(__name__)


class EventStream:
    """Where we are in the edge's events: the boot, and the last number seen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot: str | None = None
        self._last = 0
        self._open: EdgeClient | None = None
        self._is_ended = False

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until `end()` is called; connect again whenever the edge has gone."""
        while not self._is_ended:
            try:
                async for event in self._of_one_connection():
                    yield event
            except EdgeError as error:
                log.debug("events_interrupted", extra={"reason": error.message})
            if not self._is_ended:
                await asyncio.sleep(RETRY_S)

    def end(self) -> None:
        """Have `events()` end, also while it waits."""
        self._is_ended = True
        if self._open is not None:
            self._open.connection.interrupt()

    async def _of_one_connection(self) -> AsyncIterator[Event]:
        client = await EdgeClient.open(self._path)
        self._open = client
        try:
            hello = await client.hello()
            begin = await client.begin_events(self._last if hello.boot == self._boot else 0)
            if begin.boot != self._boot:
                self._boot, self._last = begin.boot, 0
            async for event in client.events():
                self._last = max(self._last, event.number)
                yield event
        finally:
            self._open = None
            client.close()
