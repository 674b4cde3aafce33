"""A TLS server in a few lines that does what no library lets a real one do."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler

from port443.core.names import Endpoint
from port443.core.wire.alerts import Alert
from port443.core.wire.client_hello import ClientHello
from port443.core.wire.extensions import ExtensionType, find
from port443.core.wire.reading import Reader
from port443.core.wire.records import ContentType, MessageBuffer, RecordBuffer, records
from port443.core.wire.versions import Version
from tls_servers import raw_server
from tls_twin import Twin, shares_of

HANDSHAKE_FAILURE, PROTOCOL_VERSION = 40, 70
Answer = Callable[[ClientHello, bytes], bytes]
"""From a hello, read and as it came, to the bytes to answer with; none ends the connection."""


def alert(description: int, level: int = 2) -> bytes:
    return records(ContentType.ALERT, Version.TLS_1_2, Alert(level, description).encode())


def handshake(message: bytes) -> bytes:
    return records(ContentType.HANDSHAKE, Version.TLS_1_2, message)


def numbers(hello: ClientHello, kind: ExtensionType, size: int = 2) -> tuple[int, ...]:
    """Return the code points of an extension that lists them; none when it is not there."""
    body = find(hello.extensions or (), kind)
    return () if body is None else Reader(body, "a list").numbers(size)


@dataclass
class Odd:
    """A server of TLS 1.3 that takes only these suites and groups, and counts its connections."""

    suites: tuple[int, ...] = (0x1301,)
    groups: tuple[int, ...] = (29,)
    protocols: tuple[str, ...] = ()
    """The names of ALPN it takes, when it is offered any (RFC 7301 §3.2); empty takes all."""
    most_extensions: int = 1000
    connections: int = field(default=0, init=False)

    def answer(self, hello: ClientHello, message: bytes, before: tuple[bytes, bytes] | None = None) -> bytes:
        """Choose, and answer with an alert, a retry or a whole flight."""
        if Version.TLS_1_3 not in numbers(hello, ExtensionType.SUPPORTED_VERSIONS, 1):
            return alert(PROTOCOL_VERSION)
        suite = next((one for one in self.suites if one in hello.suites), None)
        offered = numbers(hello, ExtensionType.SUPPORTED_GROUPS)
        group = next((one for one in self.groups if one in offered), None)
        if suite is None or group is None or len(hello.extensions or ()) > self.most_extensions:
            return alert(HANDSHAKE_FAILURE)
        if self.protocols and find(hello.extensions or (), ExtensionType.ALPN) is not None:
            return alert(120)
        twin = Twin(suite=suite, group=group, protocol=None)
        if group not in shares_of(hello):
            return b"" if before else twin.retry(message)
        return twin.flight(message, before)


class Hearing(BaseRequestHandler):
    """Read whole handshake messages from a client."""

    request: socket.socket

    def messages(self) -> Iterator[bytes]:
        self.request.settimeout(10)
        arrived, inside = RecordBuffer(), MessageBuffer()
        while octets := self.request.recv(65536):
            for record in arrived.receive(octets):
                if record.kind == ContentType.HANDSHAKE:
                    for message in inside.receive(record.fragment):
                        yield message.encode()


@contextmanager
def odd_server(odd: Odd) -> Iterator[Endpoint]:
    """Serve handshakes as `odd` wants them; the client is left after its first word behind the flight."""

    class Handler(Hearing):
        def handle(self) -> None:
            odd.connections += 1
            with suppress(OSError):
                said = self.messages()
                first = next(said, b"")
                answer = odd.answer(ClientHello.parse(first), first)
                if answer[:1] == b"\x02":  # a retry, not in a record yet
                    self.request.sendall(handshake(answer))
                    second = next(said, b"")
                    if not second:
                        return
                    answer = odd.answer(ClientHello.parse(second), second, (first, answer))
                self.request.sendall(answer)
                self.request.recv(65536)

    with raw_server(Handler) as endpoint:
        yield endpoint


def rsa_only(suites: tuple[int, ...], chain: tuple[bytes, ...], *, secured: bool = True) -> Answer:
    """Answer as a server of TLS 1.2 with RSA key exchange that goes by its own order of suites.

    `secured` answers renegotiation_info (RFC 5746), as old servers do not.
    """
    listed = b"".join(len(one).to_bytes(3) + one for one in chain)
    bound = b"\x00\x05\xff\x01\x00\x01\x00" if secured else b""

    def answer(hello: ClientHello, _: bytes) -> bytes:
        suite = next((one for one in suites if one in hello.suites), None)
        if hello.version != Version.TLS_1_2 or suite is None or ExtensionType.SUPPORTED_VERSIONS in {
            one.kind for one in hello.extensions or ()
        }:  # fmt: skip
            return alert(HANDSHAKE_FAILURE)
        chosen = b"\x03\x03" + bytes(32) + b"\x00" + suite.to_bytes(2) + b"\x00" + bound
        parts = ((2, chosen), (11, len(listed).to_bytes(3) + listed), (14, b""))
        return b"".join(handshake(bytes([kind]) + len(body).to_bytes(3) + body) for kind, body in parts)

    return answer


@contextmanager
def answering(answer: Answer) -> Iterator[tuple[Endpoint, list[ClientHello]]]:
    """Answer each hello with the same rule and close; what was heard is kept."""
    heard: list[ClientHello] = []

    class Handler(Hearing):
        def handle(self) -> None:
            with suppress(OSError):
                for message in self.messages():
                    hello = ClientHello.parse(message)
                    heard.append(hello)
                    said = answer(hello, message)
                    self.request.sendall(said)
                    if not said:
                        return

    with raw_server(Handler) as endpoint:
        yield endpoint, heard
