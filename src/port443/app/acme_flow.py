"""Drives a flow of `core/acme`: carries out what it yields, and sends it what came of it."""

import asyncio
from collections.abc import Awaitable, Callable

from port443.core.acme.errors import CAReplyInvalid, CAUnreachable
from port443.core.acme.flow import Command, Done, Event, Flow, Get, Lost, Post, Replied, T, Wait
from port443.core.acme.reply import Moment
from port443.ports import AcmeTransport, Clock

Perform = Callable[[Command], Awaitable[None]]
"""Carries out the commands of an order: publish, save, report."""


async def nothing(command: Command) -> None:
    """Refuse whatever only an order yields."""
    raise AssertionError(f"nothing here can {command}")


async def drive(flow: Flow[T], transport: AcmeTransport, clock: Clock, perform: Perform = nothing) -> T:
    """Run a flow to its end and return its result; raises what it raises, and what `perform` raises."""
    try:
        command = next(flow)
        while True:
            command = flow.send(await _event(command, transport, clock, perform))
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


async def _event(command: Command, transport: AcmeTransport, clock: Clock, perform: Perform) -> Event:
    match command:
        case Post() | Get():
            return await _answer(command, transport, clock)
        case Wait(until_s=until_s):
            await asyncio.sleep(max(until_s - asyncio.get_running_loop().time(), 0.0))
        case _:
            await perform(command)
    return Done(moment(clock))


async def _answer(request: Post | Get, transport: AcmeTransport, clock: Clock) -> Replied | Lost:
    began_s = moment(clock).monotonic_s
    try:
        match request:
            case Post():
                reply = await transport.post(request)
            case _:
                reply = await transport.get(request.url)
    except (CAUnreachable, CAReplyInvalid) as error:
        return Lost(error, moment(clock))
    now = moment(clock)
    return Replied(reply, now, now.monotonic_s - began_s)


def moment(clock: Clock) -> Moment:
    """Return the time on both clocks."""
    return Moment(clock.now(), asyncio.get_running_loop().time())
