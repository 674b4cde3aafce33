"""A way to other machines on which everything fails in one way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from port443.core.names import Endpoint, SiteName
from port443.core.probe.http import HTTPAnswer, HTTPRequest
from port443.ports import Connection


class FailingDial:
    """Implements `Dial`; counts the connections that were wanted."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.connections = 0

    async def resolve(self, name: SiteName, port: int) -> tuple[Endpoint, ...]:
        del name, port
        raise self.error

    @asynccontextmanager
    async def connect(self, endpoint: Endpoint, within_s: float) -> AsyncIterator[Connection]:
        del endpoint, within_s
        self.connections += 1
        raise self.error
        yield

    def back_off(self, endpoint: Endpoint) -> None:
        del endpoint

    async def get(self, endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
        del endpoint, request, within_s
        raise self.error
