"""See which servers behind the sites take a connection just now."""

import asyncio
from collections.abc import Iterable
from ipaddress import ip_address

from port443.core.control.status import ServerStatus
from port443.core.errors import Port443Error
from port443.core.names import Endpoint, HostName
from port443.core.plan.desired import Upstream
from port443.ports import Dial

AT_ONCE = 64
TIMEOUT_S = 1.0
ALL_TIMEOUT_S = 3.0
"""A status is not held up longer by servers that are silent."""


async def check_servers(dial: Dial, upstreams: Iterable[Upstream]) -> dict[str, ServerStatus]:
    """Open a connection to each server and close it; a server without a result in time is left out."""
    gate = asyncio.Semaphore(AT_ONCE)
    seen: dict[str, ServerStatus] = {}

    async def ask(upstream: Upstream) -> None:
        async with gate:
            fault = await _fault(dial, upstream)
        seen[str(upstream)] = ServerStatus(str(upstream), fault)

    tasks = [asyncio.ensure_future(ask(upstream)) for upstream in dict.fromkeys(upstreams)]
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=ALL_TIMEOUT_S)
        for task in late:
            task.cancel()
    return seen


async def _fault(dial: Dial, upstream: Upstream) -> str | None:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            endpoints = await _endpoints(dial, upstream)
            async with dial.connect(endpoints[0], TIMEOUT_S):
                return None
    except TimeoutError:
        return f"no connection within {TIMEOUT_S:g} s"
    except Port443Error as error:
        return error.message


async def _endpoints(dial: Dial, upstream: Upstream) -> tuple[Endpoint, ...]:
    try:
        return (Endpoint(str(ip_address(upstream.host)), upstream.port),)
    except ValueError:
        return await dial.resolve(HostName(upstream.host), upstream.port)
