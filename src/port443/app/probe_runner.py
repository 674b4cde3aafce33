"""Runs probes: each query is sent on its own connection, and the probe gets the response.

    next query ── time and connections left ──► connect ──► send the hello ──► read ◄──┐
      ▲   │                                        │                            │      │ second hello
      │   └── none left: NotSent ──┐               └── no connection ──┐        ├── retry asked for
      │                            ▼                                   ▼        ▼
      └──────────────────────── Response ◄──────────────────── complete, refused or ended

The probe ends the loop when it returns its result. When it raises, the result is `otherwise(reason)`.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, assert_never

from port443.app.handshake import ask_again
from port443.app.session import converse
from port443.core.errors import ScanError
from port443.core.names import Endpoint, HostName, SiteName
from port443.core.probe.facts import SeenChains
from port443.core.probe.failures import fault_in_words
from port443.core.probe.hellos import ENTROPY, build
from port443.core.probe.query import (
    Accepted,
    AcceptedSSL2,
    AlertReceived,
    Closed,
    InternalFault,
    NotSent,
    Probe,
    Query,
    Response,
    SessionQuery,
    SSL2Query,
    TLSQuery,
    response_of,
    response_of_error,
)
from port443.core.wire import ssl2
from port443.core.wire.alerts import Alert
from port443.core.wire.flight import Stage
from port443.core.wire.reader import FlightReader
from port443.core.wire.reading import Malformed

if TYPE_CHECKING:
    from port443.ports import Connection, Dial

T = TypeVar("T")
MAX_CONNECTIONS = 256
"""Connections that one probe may take: more suites than any server was ever seen with."""
MAX_SSL2 = 2**15 + 2
TIME_OVER = "the time for this host was over"


class ProbeRunner:
    """The connections of one scan to one address: at most one hello each, until the time is over."""

    def __init__(self, dial: "Dial", endpoint: Endpoint, name: SiteName | None, *, patience_s: float) -> None:
        """Each connection may take `patience_s` seconds."""
        self.connections = 0
        self.chains = SeenChains()
        self.on_response: Callable[[], None] = lambda: None
        self._dial = dial
        self._endpoint = endpoint
        self._name = name
        self._patience_s = patience_s
        self._end: float | None = None

    @property
    def is_named(self) -> bool:
        """Whether hellos name a host; an address is never named (RFC 6066 §3)."""
        return isinstance(self._name, HostName)

    def end_at(self, moment: float) -> None:
        """Set, in the event loop's time, after when nothing is sent any more."""
        self._end = moment

    def back_off(self) -> None:
        """Connect later from now on."""
        self._dial.back_off(self._endpoint)

    async def run(self, probe: Probe[T], otherwise: Callable[[str], T]) -> T:
        """Send a probe's queries one after the other and return its result.

        `otherwise` returns the result for a reason, when an unforeseen response breaks the probe.
        """
        sent = 0
        try:
            query = next(probe)
            while True:
                response = await self._send(query, sent)
                query, sent = probe.send(response), sent + 1
        except StopIteration as ended:
            result: T = ended.value
            return result
        except Exception as error:  # noqa: BLE001 - one probe's fault must not end the scan
            return otherwise(fault_in_words(error))

    async def _send(self, query: Query, sent: int) -> Response:
        left = self._time_left()
        if sent >= MAX_CONNECTIONS:
            return NotSent(f"the limit of {MAX_CONNECTIONS} connections for one question is reached")
        if left <= 0:
            return NotSent(TIME_OVER)
        self.connections += 1
        response = await self._response(query, min(left, self._patience_s))
        if isinstance(query, TLSQuery) and query.is_control and not isinstance(response, Accepted):
            self.back_off()
        self.on_response()
        return response

    async def _response(self, query: Query, within_s: float) -> Response:
        try:
            async with asyncio.timeout_at(self._end), self._dial.connect(self._endpoint, within_s) as opened:
                return await self._exchange(opened, query)
        except TimeoutError:
            return NotSent(TIME_OVER)
        except ScanError as error:
            return response_of_error(error)
        except Exception as error:  # noqa: BLE001 - the peer's bytes must not end the scan
            return InternalFault(fault_in_words(error))

    def _time_left(self) -> float:
        now = asyncio.get_running_loop().time()
        return self._patience_s if self._end is None else self._end - now

    async def _exchange(self, connection: "Connection", query: Query) -> Response:
        match query:
            case TLSQuery():
                return await self._send_hello(connection, query)
            case SessionQuery():
                flight = await converse(connection, query, self._name)
                self.chains.add(flight)
                return response_of(flight)
            case SSL2Query():
                return await _send_ssl2(connection)
            case kind:
                assert_never(kind)

    async def _send_hello(self, connection: "Connection", query: TLSQuery) -> Response:
        hello = build(query.offer, self._name, secrets.token_bytes(ENTROPY))
        reader = FlightReader(hello.hello, hello.shares)
        await _send_in_parts(connection, hello.hello.encode(), is_split=query.offer.split)
        try:
            await _read(connection, reader)
            # A hello without a key share is only about the parameters that the server selects.
            if reader.flight.stage is Stage.RETRIED and hello.shares:
                await ask_again(connection, hello, query.offer, reader)
                await _read(connection, reader)
        except ScanError as error:
            # A ServerHello counts, whatever follows it.
            if reader.flight.chosen is None:
                raise
            reader.flight.fault = error.message
        if reader.flight.stage is Stage.COMPLETE:
            await connection.send(reader.farewell())
        self.chains.add(reader.flight)
        return response_of(reader.flight)


async def _send_in_parts(connection: "Connection", octets: bytes, *, is_split: bool) -> None:
    """Send a hello; in two segments if the probe is about that."""
    half = len(octets) // 2 if is_split else 0
    for part in filter(None, (octets[:half], octets[half:])):
        await connection.send(part)


async def _read(connection: "Connection", reader: FlightReader) -> None:
    while reader.flight.stage is Stage.OPEN and (octets := await connection.receive()):
        reader.receive(octets)


async def _send_ssl2(connection: "Connection") -> Response:
    await connection.send(ssl2.client_hello(secrets.token_bytes(ssl2.CHALLENGE)))
    heard = b""
    while octets := await connection.receive():
        heard += octets
        answer = ssl2.read_answer(heard)
        if isinstance(answer, Alert):
            return AlertReceived(answer)
        if answer is not None:
            return AcceptedSSL2(answer.ciphers)
        if len(heard) > MAX_SSL2:
            raise Malformed("the answer to a hello of SSL 2.0 has no end")
    return Closed()
