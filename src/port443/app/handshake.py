"""One real handshake, and what the server showed in it: the basis of a proof."""

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from port443.core.acme.challenges import ACME_ALPN
from port443.core.names import Endpoint, SiteName, parse_site_name
from port443.core.probe.failures import ConnectionEnded, HandshakeFailed, HandshakeRefused
from port443.core.probe.hellos import ENTROPY, Hello, Offer, after_retry, build, frugal_offer, handshake_offer
from port443.core.wire.extensions import ExtensionType
from port443.core.wire.flight import Flight, Stage
from port443.core.wire.groups import group_name
from port443.core.wire.key_share import SEED
from port443.core.wire.reader import FlightReader
from port443.core.wire.reading import Malformed
from port443.core.wire.suites import suite
from port443.core.wire.versions import Version

if TYPE_CHECKING:
    from port443.ports import Connection, Dial

TIMEOUT_S = 5.0
VERSIONS = {"1.3": Version.TLS_1_3, "1.2": Version.TLS_1_2}


@dataclass(frozen=True, slots=True)
class ServedHandshake:
    """What a server showed in a handshake, with names as in the IANA registries."""

    chain: tuple[bytes, ...]
    """The certificates in DER, as sent; the leaf is the first."""
    version: str
    suite: str
    group: str | None
    key_proved: bool
    """Whether the server signed with the leaf's key, so that it cannot be another one."""
    alpn: str | None


async def handshake(
    dial: "Dial", endpoint: Endpoint, server_name: str | None, version: Literal["1.3", "1.2"] = "1.3"
) -> ServedHandshake:
    """Perform a handshake with `endpoint`; an IP address is not sent as a name (RFC 6066 §3).

    Raises a ScanError that names the cause: no connection, a refusal with its alert, an answer that
    breaks TLS.
    """
    return await _handshake(dial, endpoint, server_name, handshake_offer(VERSIONS[version]))


async def frugal_handshake(dial: "Dial", endpoint: Endpoint, server_name: str | None) -> ServedHandshake:
    """Do the same in TLS 1.3 with a classical group, in one round trip."""
    return await _handshake(dial, endpoint, server_name, frugal_offer())


async def challenge_handshake(dial: "Dial", endpoint: Endpoint, server_name: str) -> ServedHandshake:
    """Perform the handshake of a CA that validates by tls-alpn-01 (RFC 8737 §3)."""
    offer = replace(handshake_offer(Version.TLS_1_3), alpn=(ACME_ALPN,))
    return await _handshake(dial, endpoint, server_name, offer)


async def _handshake(
    dial: "Dial", endpoint: Endpoint, server_name: str | None, offer: Offer
) -> ServedHandshake:
    name = None if server_name is None else parse_site_name(server_name)
    async with dial.connect(endpoint, TIMEOUT_S) as connection:
        flight = await shake(connection, offer, name)
    return _served(flight, offer.version, endpoint)


async def shake(connection: "Connection", offer: Offer, name: SiteName | None) -> Flight:
    """Send the offer, follow one HelloRetryRequest, and complete the handshake."""
    first = build(offer, name, secrets.token_bytes(ENTROPY))
    reader = FlightReader(first.hello, first.shares)
    await connection.send(first.hello.encode())
    if await _read(connection, reader) is Stage.RETRIED:
        await ask_again(connection, first, offer, reader)
        await _read(connection, reader)
    if reader.can_conclude:
        await connection.send(reader.conclude(secrets.token_bytes(SEED)))
        await _read(connection, reader)
    if reader.flight.stage is not Stage.REFUSED:
        await connection.send(reader.farewell())
        await connection.finish()
    return reader.flight


async def ask_again(connection: "Connection", first: Hello, offer: Offer, reader: FlightReader) -> None:
    """Send the second ClientHello for a HelloRetryRequest."""
    retry = reader.flight.retry
    if retry is None:
        raise Malformed("the HelloRetryRequest names neither a group nor a cookie")
    cookie = retry.extension(ExtensionType.COOKIE)
    second = after_retry(first, offer, retry.group, cookie, secrets.token_bytes(SEED))
    reader.retried(second.hello, second.shares)
    await connection.send(second.hello.encode(is_second=True))


async def _read(connection: "Connection", reader: FlightReader) -> Stage:
    while (stage := reader.flight.stage) is Stage.OPEN:
        octets = await connection.receive()
        if not octets:
            raise ConnectionEnded("the server closed the connection before its answer was whole")
        reader.receive(octets)
    return stage


def _served(flight: Flight, wanted: Version, endpoint: Endpoint) -> ServedHandshake:
    if flight.stage is Stage.REFUSED:
        alert = flight.alerts[-1].name
        raise HandshakeRefused(f"{endpoint} refused the handshake: {alert}")
    hello = flight.hello
    if hello is None or hello.version != wanted or not flight.chain:
        raise HandshakeFailed(f"{endpoint} did not answer with {wanted.label} and a certificate")
    return ServedHandshake(
        chain=tuple(entry.der for entry in flight.chain),
        version=wanted.label.removeprefix("TLS "),
        suite=suite(hello.suite).name,
        group=None if flight.group is None else group_name(flight.group),
        key_proved=flight.key_proved is True,
        alpn=flight.alpn,
    )
