"""One HTTP request over the standard library's TLS, for the head of its answer."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable

from port443.core.names import Endpoint, HostName
from port443.core.probe.failures import (
    AnswerTimedOut,
    ConnectionEnded,
    ConnectionWasReset,
    ConnectRefused,
    HandshakeFailed,
    HostUnreachable,
    words_of,
)
from port443.core.probe.http import AnswerReader, HTTPAnswer, HTTPRequest

READ_SIZE = 4096
BODY_S = 2.0


Announce = Callable[[Endpoint], Awaitable[None]]


def local_endpoint(opened: socket.socket) -> Endpoint:
    """Return where a connection comes from."""
    address, port = opened.getsockname()[:2]
    return Endpoint(address, port)


async def fetch_head(
    endpoint: Endpoint, request: HTTPRequest, within_s: float, announce: Announce
) -> HTTPAnswer:
    """Send the request and read up to the end of the final answer's head."""
    try:
        async with asyncio.timeout(within_s):
            return await _exchange(endpoint, request, announce)
    except TimeoutError as error:
        raise AnswerTimedOut(f"{endpoint} gave no HTTP answer within {within_s:g} s") from error
    except ssl.SSLError as error:
        raise HandshakeFailed(f"no HTTP over TLS with {endpoint}: {words_of(error)}") from error
    except ConnectionRefusedError as error:
        raise ConnectRefused(f"nothing listens on {endpoint}") from error
    except ConnectionError as error:
        raise ConnectionWasReset(f"{endpoint} reset the connection") from error
    except OSError as error:
        raise HostUnreachable(f"{endpoint} cannot be reached: {words_of(error)}") from error


async def _exchange(endpoint: Endpoint, request: HTTPRequest, announce: Announce) -> HTTPAnswer:
    named = request.is_tls and isinstance(request.name, HostName)
    opened = await _connected(endpoint, announce)
    reader, writer = await asyncio.open_connection(
        sock=opened,
        ssl=trustless_context() if request.is_tls else None,
        server_hostname=(request.name.text if named else "") if request.is_tls else None,
    )
    try:
        writer.write(request.encode())
        await writer.drain()
        answers = AnswerReader()
        while octets := await reader.read(READ_SIZE):
            if (answer := answers.receive(octets)) is not None:
                if request.wants_body and (answer.is_html or request.takes):
                    octets = await _body(reader, answer, answers.rest, request.takes)
                    answer = answer.with_body(octets, request.takes)
                return answer
        raise ConnectionEnded(f"{endpoint} closed before its HTTP answer was whole")
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _body(reader: asyncio.StreamReader, answer: HTTPAnswer, octets: bytes, most: int | None) -> bytes:
    """Read on behind the head; a page that does not come to its end is taken as far as it came."""
    with contextlib.suppress(TimeoutError, OSError):
        async with asyncio.timeout(BODY_S):
            while not answer.is_whole(octets, most) and (more := await reader.read(READ_SIZE)):
                octets += more
    return octets


async def _connected(endpoint: Endpoint, announce: Announce) -> socket.socket:
    opened = socket.socket(socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET)
    try:
        opened.setblocking(False)  # noqa: FBT003 - the method's name explains the argument
        await asyncio.get_running_loop().sock_connect(opened, (endpoint.address, endpoint.port))
        await announce(local_endpoint(opened))
    except BaseException:
        opened.close()
        raise
    return opened


def trustless_context() -> ssl.SSLContext:
    """Make a TLS client that accepts any certificate: the scan itself reports its faults."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Old versions and short keys too: an old server's HSTS is as true as a new one's.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["http/1.1"])
    return context
