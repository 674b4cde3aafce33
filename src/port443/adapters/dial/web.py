"""One HTTP request over the standard library's TLS, for the head of its answer."""

import asyncio
import contextlib
import ssl

from port443.core.names import Endpoint, HostName
from port443.core.probe.failures import (
    AnswerTimedOut,
    ConnectionEnded,
    ConnectionWasReset,
    ConnectRefused,
    HandshakeFailed,
    HostUnreachable,
)
from port443.core.probe.http import END, MAX_HEAD, HTTPAnswer, HTTPRequest, parse_answer
from port443.core.wire.reading import Malformed


async def fetch_head(endpoint: Endpoint, request: HTTPRequest, within_s: float) -> HTTPAnswer:
    """Send the request and read up to the end of the answer's head."""
    try:
        async with asyncio.timeout(within_s):
            return parse_answer(await _exchange(endpoint, request))
    except TimeoutError as error:
        raise AnswerTimedOut(f"{endpoint} gave no HTTP answer within {within_s:g} s") from error
    except ssl.SSLError as error:
        raise HandshakeFailed(f"no HTTP over TLS with {endpoint}: {error.reason}") from error
    except ConnectionRefusedError as error:
        raise ConnectRefused(f"nothing listens on {endpoint}") from error
    except asyncio.IncompleteReadError as error:
        raise ConnectionEnded(f"{endpoint} closed before its HTTP answer was whole") from error
    except asyncio.LimitOverrunError as error:
        raise Malformed(f"{endpoint} sent an HTTP head of more than {MAX_HEAD} bytes") from error
    except ConnectionError as error:
        raise ConnectionWasReset(f"{endpoint} reset the connection") from error
    except OSError as error:
        raise HostUnreachable(f"{endpoint} cannot be reached: {error.strerror}") from error


async def _exchange(endpoint: Endpoint, request: HTTPRequest) -> bytes:
    named = request.is_tls and isinstance(request.name, HostName)
    reader, writer = await asyncio.open_connection(
        endpoint.address,
        endpoint.port,
        limit=MAX_HEAD,
        ssl=trustless_context() if request.is_tls else None,
        server_hostname=(request.name.text if named else "") if request.is_tls else None,
    )
    try:
        writer.write(request.encode())
        await writer.drain()
        return await reader.readuntil(END)
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def trustless_context() -> ssl.SSLContext:
    """Make a client that talks to anybody: what is wrong with the server is the scan's own business."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # Old versions and short keys too: an old server's HSTS is as true as a new one's.
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.set_alpn_protocols(["http/1.1"])
    return context
