"""Follow plain HTTP from one redirect to the next, as long as they stay on the host and its two ports."""

from collections.abc import Awaitable, Callable

from port443.core.errors import ScanError
from port443.core.grade.cookies import cookies_of
from port443.core.grade.hsts import Hop
from port443.core.probe.http import HTTPAnswer, HTTPRequest

MAX_HOPS = 10
"""Browsers follow twenty; who needs more than half of them leads nowhere."""


async def walk(
    get: Callable[[HTTPRequest], Awaitable[HTTPAnswer | ScanError]],
    start: HTTPRequest,
    ports: tuple[int, int],
) -> tuple[HTTPAnswer | ScanError, tuple[Hop, ...]]:
    """Return the first answer, and every answer on the way; `ports` are those of https and of plain HTTP."""
    first = answer = await get(start)
    request, hops = start, [_hop(start, answer)]
    while len(hops) < MAX_HOPS and not isinstance(answer, ScanError):
        following = request.follow_anywhere(answer, ports)
        if following is None:
            break
        request = following
        if any(hop.url == request.url for hop in hops):
            hops.append(Hop(request.url, 0))  # it leads in a circle
            break
        answer = await get(request)
        hops.append(_hop(request, answer))
    return first, tuple(hops)


def _hop(request: HTTPRequest, answer: HTTPAnswer | ScanError) -> Hop:
    if isinstance(answer, ScanError):
        return Hop(request.url, 0)
    names = tuple(cookie.name for cookie in cookies_of(answer.fields))
    return Hop(request.url, answer.status, names, answer.field("location"))
