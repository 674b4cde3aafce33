"""Real TLS servers on free ports of loopback, each ended by its own process id."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest

from port443.core.names import Endpoint
from tls_certs import Files
from wrapping import wrapped

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n"


@contextmanager
def openssl_server(files: Files, *options: str, address: str = "127.0.0.1") -> Iterator[Endpoint]:
    """Run `openssl s_server`; it says itself which port it got."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    chain = ("-cert_chain", str(files.chain)) if files.chain.stat().st_size else ()
    command = (program, "s_server", "-accept", f"{address}:0", "-naccept", "100000", "-www",
               "-cert", str(files.leaf), "-key", str(files.key), *chain, *options)  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield _accepting(process, address)
    finally:
        process.kill()
        process.communicate()


def _accepting(process: subprocess.Popen[str], address: str) -> Endpoint:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("ACCEPT"):
            # A pipe that nobody empties would stop the server.
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return Endpoint(address, int(line.rsplit(":", 1)[1]))
    pytest.skip("openssl s_server does not take these options here: " + "".join(said)[-300:])


def _drain(process: subprocess.Popen[str]) -> None:
    with suppress(ValueError, OSError):
        for _ in process.stdout or ():
            pass


class Quiet(ThreadingTCPServer):
    """A server whose clients may go as they like."""

    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, *_: object) -> None:
        """Say nothing: a scan breaks off most handshakes."""


@contextmanager
def raw_server(handler: type[BaseRequestHandler]) -> Iterator[Endpoint]:
    """Serve each connection with `handler`, on a thread of its own."""
    with Quiet(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Endpoint("127.0.0.1", server.server_address[1])
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def python_server(
    files: Files, *fields: str, context: ssl.SSLContext | None = None, before: bytes = b""
) -> Iterator[Endpoint]:
    """Serve TLS by the standard library; every answer is an empty 200 with `fields`, after `before`."""
    made = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(files.bundle, files.key)
    answer = before + HEAD + b"".join(field.encode() + b"\r\n" for field in fields) + b"\r\n"

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError), wrapped(made, self.request, server_side=True) as secured:
                if secured.recv(65536):
                    secured.sendall(answer)

    with raw_server(Answer) as endpoint:
        yield endpoint


@contextmanager
def plain_server(answer: bytes) -> Iterator[Endpoint]:
    """Answer every plain HTTP request with the same bytes."""

    class Answer(BaseRequestHandler):
        def handle(self) -> None:
            self.request.settimeout(10)
            with suppress(OSError):
                self.request.recv(65536)
                self.request.sendall(answer)

    with raw_server(Answer) as endpoint:
        yield endpoint
