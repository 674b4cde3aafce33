"""Bring one handshake to its end, and go on over it as a query asks."""

import asyncio
import secrets
from typing import TYPE_CHECKING

from port443.app.handshake import ask_again
from port443.core.errors import ScanError
from port443.core.names import SiteName
from port443.core.probe.hellos import ENTROPY, Hello, build
from port443.core.probe.query import SessionQuery
from port443.core.wire.client_hello import RANDOM
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.key_share import SEED
from port443.core.wire.reader import FlightReader
from port443.core.wire.session import resuming, with_ticket_wish
from port443.core.wire.versions import Version

if TYPE_CHECKING:
    from port443.ports import Connection

ANSWER_S = 1.0
"""How long an answer over a whole handshake is waited for; not every server has one."""
EARLY_S = 0.3
"""How long an answer to early data is waited for before the handshake goes on."""
MAX_HEARD = 256


async def converse(connection: "Connection", query: SessionQuery, name: SiteName | None) -> Flight:
    """Shake hands as the query has it, go on over that, and say goodbye."""
    made = _hello(query, name)
    reader = FlightReader(made.hello, made.shares, query.session)
    early = reader.early(query.early) if query.early else b""
    await connection.send(made.hello.encode() + early)
    await _read(connection, reader)
    if reader.flight.stage is Stage.RETRIED and query.session is None:
        await ask_again(connection, made, query.offer, reader)
        await _read(connection, reader)
    if reader.can_conclude:
        await connection.send(reader.conclude(secrets.token_bytes(SEED)))
        await _read(connection, reader)
    if reader.flight.stage is Stage.COMPLETE:
        await _go_on(connection, query, reader)
        await connection.send(reader.farewell())
        if not query.renegotiates:
            await connection.finish()  # a server forgets a session whose connection breaks off
    return reader.flight


def _hello(query: SessionQuery, name: SiteName | None) -> Hello:
    made = build(query.offer, name, secrets.token_bytes(ENTROPY))
    hello = made.hello
    if query.offer.version < Version.TLS_1_3:
        hello = with_ticket_wish(hello, wants=query.wants_ticket)
    if query.session is not None:
        hello = resuming(hello, query.session, early=bool(query.early))
    return Hello(hello, made.shares)


async def _read(connection: "Connection", reader: FlightReader) -> None:
    while reader.flight.stage is Stage.OPEN and (octets := await connection.receive()):
        reader.receive(octets)


async def _go_on(connection: "Connection", query: SessionQuery, reader: FlightReader) -> None:
    """Go on; what breaks off then is no fault of the handshake."""
    flight = reader.flight
    if query.renegotiates:
        await _renegotiate(connection, query, reader)
    elif query.says or query.offer.version >= Version.TLS_1_3:
        if query.early:
            flight.heard_early = await _heard(connection, reader, EARLY_S)
        await connection.send(reader.speak(query.says))
        flight.heard = await _heard(connection, reader, ANSWER_S)


async def _heard(connection: "Connection", reader: FlightReader, within_s: float) -> bytes:
    """Return the first bytes that are said over the handshake; nothing when none come in time."""
    said = b""
    try:
        async with asyncio.timeout(within_s):
            said += b"".join(reader.hear(b""))
            while not said and (octets := await connection.receive()):
                said += b"".join(reader.hear(octets))
    except (TimeoutError, ScanError):
        return said[:MAX_HEARD]
    return said[:MAX_HEARD]


async def _renegotiate(connection: "Connection", query: SessionQuery, reader: FlightReader) -> None:
    flight = reader.flight
    try:
        async with asyncio.timeout(ANSWER_S):
            await connection.send(reader.renegotiate(secrets.token_bytes(RANDOM), is_bound=query.is_bound))
            while not reader.hear_again(b""):
                if not (octets := await connection.receive()):
                    flight.renegotiated, flight.refused_again = False, "the server closed the connection"
                    return
                reader.hear_again(octets)
    except TimeoutError:
        return
    except ScanError as error:
        flight.renegotiated, flight.refused_again = False, error.message
