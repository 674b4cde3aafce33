"""One HTTP request over a handshake of our own, for servers that the system's TLS cannot connect to."""

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from port443.app.handshake import ask_again
from port443.core.errors import ScanError
from port443.core.names import Endpoint
from port443.core.probe.failures import ConnectionEnded, HandshakeRefused
from port443.core.probe.hellos import ENTROPY, Offer, build
from port443.core.probe.http import AnswerReader, HTTPAnswer, HTTPRequest
from port443.core.wire.flight import Stage
from port443.core.wire.reader import FlightReader

if TYPE_CHECKING:
    from port443.ports import Connection, Dial


async def fetch(
    dial: "Dial", endpoint: Endpoint, request: HTTPRequest, offer: Offer, within_s: float
) -> HTTPAnswer:
    """Send the request over TLS 1.3 as `offer` has it, and return the head of the final answer.

    Raises a ScanError that names the cause. Nothing is verified: certificates are evaluated elsewhere.
    """
    async with dial.connect(endpoint, within_s) as connection:
        reader = await _shaken(connection, request, offer)
        await connection.send(reader.speak(request.encode()))
        answers, answer = AnswerReader(), None
        while answer is None and (octets := await connection.receive()):
            for content in reader.hear(octets):
                if answer is None:
                    answer = answers.receive(content)
                else:
                    answers.add(content)
        if answer is None:
            raise ConnectionEnded(f"{endpoint} closed before its HTTP answer was whole")
        if request.wants_body and answer.is_html:
            return answer.with_body(await _body(connection, reader, answer, answers.rest))
        return answer


async def _body(connection: "Connection", reader: FlightReader, answer: HTTPAnswer, body: bytes) -> bytes:
    """Read on behind the head; a page that breaks off is taken as far as it came."""
    with suppress(ScanError):
        while not answer.is_whole(body) and (octets := await connection.receive()):
            body += b"".join(reader.hear(octets))
    return body


async def _shaken(connection: "Connection", request: HTTPRequest, offer: Offer) -> FlightReader:
    """Drive the handshake until the client may send data."""
    hello = build(offer, request.name, secrets.token_bytes(ENTROPY))
    reader = FlightReader(hello.hello, hello.shares)
    await connection.send(hello.hello.encode())
    while reader.flight.stage in {Stage.OPEN, Stage.RETRIED}:
        if reader.flight.stage is Stage.RETRIED:
            await ask_again(connection, hello, offer, reader)
        if not (octets := await connection.receive()):
            break
        reader.receive(octets)
    if reader.flight.alerts:
        raise HandshakeRefused(f"no HTTP over TLS: alert {reader.flight.alerts[-1].name}")
    return reader
