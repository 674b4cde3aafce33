"""The dialler: bounded in number, in time and in bytes, and every failure told apart."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from socketserver import BaseRequestHandler

import pytest

from port443.adapters.dial import Dialler
from port443.core.errors import ScanError
from port443.core.names import Endpoint, HostName, IPName
from port443.core.probe.failures import (
    AnswerTimedOut,
    ConnectionEnded,
    ConnectRefused,
    HandshakeFailed,
    NameUnresolved,
)
from port443.core.probe.http import MAX_HEAD, HTTPAnswer, HTTPRequest
from port443.core.wire.reading import Malformed
from tls_certs import Wish, ec_key, issue, write
from tls_servers import plain_server, python_server, raw_server

NAME = HostName("localhost")


def get(endpoint: Endpoint, *, is_tls: bool = False, within_s: float = 5) -> HTTPAnswer:
    return asyncio.run(Dialler().get(endpoint, HTTPRequest(NAME, endpoint.port, is_tls), within_s))


def failure(endpoint: Endpoint, *, is_tls: bool = False, within_s: float = 5) -> ScanError:
    with pytest.raises(ScanError) as caught:
        get(endpoint, is_tls=is_tls, within_s=within_s)
    return caught.value


class Counting(BaseRequestHandler):
    """Count who is connected at the same time."""

    lock = threading.Lock()
    now = most = 0

    def handle(self) -> None:
        with Counting.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        with suppress(OSError):
            self.request.recv(1)
            self.request.sendall(b"x")
            # The client leaves first, so that nobody is counted twice.
            self.request.recv(1)
        with Counting.lock:
            Counting.now -= 1


@pytest.mark.machine
def test_no_more_than_a_few_connections_go_to_one_address() -> None:
    """Forty questions at once are put three at a time."""
    Counting.now = Counting.most = 0
    dial = Dialler(parallel=3)

    async def ask(endpoint: Endpoint) -> bytes:
        async with dial.connect(endpoint, 10) as connection:
            await connection.send(b"?")
            answer = await connection.receive()
            await connection.finish()
            return answer

    async def ask_all(endpoint: Endpoint) -> list[bytes]:
        return await asyncio.gather(*(ask(endpoint) for _ in range(40)))

    with raw_server(Counting) as endpoint:
        answers = asyncio.run(ask_all(endpoint))
    assert answers == [b"x"] * 40
    assert 1 <= Counting.most <= 3


def test_a_name_without_an_address_is_named() -> None:
    """RFC 6761 promises that .invalid has none."""
    with pytest.raises(NameUnresolved) as caught:
        asyncio.run(Dialler().resolve(HostName("nobody.invalid"), 443))
    assert "nobody.invalid" in caught.value.message
    assert "--connect" in caught.value.hint


def test_an_address_is_its_own_answer() -> None:
    """No resolver is asked for it."""
    assert asyncio.run(Dialler().resolve(IPName("::1"), 8443)) == (Endpoint("::1", 8443),)


def test_names_below_localhost_are_this_machine() -> None:
    """Also where no resolver knows them (RFC 6761 §6.3)."""
    found = asyncio.run(Dialler().resolve(HostName("app.no-such-host.localhost"), 8443))
    assert found == asyncio.run(Dialler().resolve(HostName("localhost"), 8443))
    assert all(ip_address(one.address).is_loopback for one in found)
    with pytest.raises(NameUnresolved):
        asyncio.run(Dialler().resolve(HostName("localhost.invalid"), 443))


def test_ipv6_is_connected_to() -> None:
    """Both families are dialled alike."""

    async def greet(port: int) -> bytes:
        async with Dialler().connect(Endpoint("::1", port), 5) as connection:
            return await connection.receive()

    with listening6() as listener:

        def serve() -> None:
            with listener.accept()[0] as opened:
                opened.sendall(b"six")

        thread = threading.Thread(target=serve)
        thread.start()
        assert asyncio.run(greet(listener.getsockname()[1])) == b"six"
        thread.join()


@contextmanager
def listening6() -> Iterator[socket.socket]:
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        yield listener


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_the_head_of_an_answer_is_read(version: str) -> None:
    """Status and fields, names in lower case, whatever the body."""
    head = f"{version} 301 Moved\r\nLocation: https://a.test/\r\nX-Two:  2 \r\n\r\nbody"
    with plain_server(head.encode()) as endpoint:
        answer = get(endpoint)
    assert (answer.status, answer.fields) == (301, (("location", "https://a.test/"), ("x-two", "2")))


def test_https_is_asked_without_any_trust(tmp_path: Path) -> None:
    """A self-signed, expired or foreign certificate hides no header."""
    files = write(tmp_path, issue(Wish(names=("other.test",)), ec_key()), ())
    with python_server(files, "Strict-Transport-Security: max-age=1") as endpoint:
        assert get(endpoint, is_tls=True).field("strict-transport-security") == "max-age=1"


class Waiting(BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            while self.request.recv(4096):
                pass


BAD = {
    b"SSH-2.0-server\r\n\r\n": Malformed,
    b"HTTP/1.1 2000 OK\r\n\r\n": Malformed,
    b"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\n\r\n": Malformed,
    b"HTTP/1.1 103 Early Hints\r\n\r\n": ConnectionEnded,
    b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + b"HTTP/1.1 200 OK\r\n\r\n": Malformed,
    b"HTTP/1.1 200 OK\r\nhalf": ConnectionEnded,
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD + 10): Malformed,
    b"": ConnectionEnded,
}


@pytest.mark.parametrize("answer", BAD, ids=range(len(BAD)))
def test_what_is_no_http_is_refused(answer: bytes) -> None:
    """Other protocols, half heads and endless ones have each their error."""
    with plain_server(answer) as endpoint:
        assert type(failure(endpoint)) is BAD[answer]


@pytest.mark.machine
def test_silence_refusal_and_no_tls_are_told_apart() -> None:
    """Three causes, three errors."""
    with raw_server(Waiting) as endpoint:
        assert type(failure(endpoint, within_s=0.05)) is AnswerTimedOut
    assert type(failure(endpoint)) is ConnectRefused
    with plain_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as endpoint:
        assert type(failure(endpoint, is_tls=True)) is HandshakeFailed


def test_the_request_names_host_and_port() -> None:
    """The port stands in Host unless it is the scheme's own; an IPv6 address has brackets."""
    hosts = [
        HTTPRequest(NAME, 443, is_tls=True).encode().split(b"\r\n")[1],
        HTTPRequest(NAME, 8443, is_tls=True).encode().split(b"\r\n")[1],
        HTTPRequest(IPName("::1"), 80, is_tls=False).encode().split(b"\r\n")[1],
    ]
    assert hosts == [b"Host: localhost", b"Host: localhost:8443", b"Host: [::1]"]
