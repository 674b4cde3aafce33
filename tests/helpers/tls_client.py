"""TLS clients for tests: Python's own, and others by their command lines."""

import contextlib
import functools
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tls_certs import root
from waiting import HANG_S
from wrapping import wrapped

DEADLINE_S = HANG_S
REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n"


def context(version: ssl.TLSVersion | None = None, trust: bytes | None = None) -> ssl.SSLContext:
    """Return a client's context that trusts the tests' root, or another, for one version or all."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=(trust or root().pem).decode())
    if version:
        made.minimum_version = made.maximum_version = version
    return made


@contextlib.contextmanager
def connected(
    port: int,
    name: str | None,
    client: ssl.SSLContext,
    session: ssl.SSLSession | None = None,
    host: str = "127.0.0.1",
) -> Iterator[ssl.SSLSocket]:
    """Shake hands; `name` None sends no server name and checks none."""
    if name is None:
        client.check_hostname = False
    tcp = socket.create_connection((host, port), DEADLINE_S)
    try:
        with wrapped(client, tcp, server_hostname=name, session=session) as tls:
            yield tls
    finally:
        tcp.close()


def ask(tls: ssl.SSLSocket, host: str = "a.test") -> bytes:
    """Send one request and return the response's head and body."""
    tls.sendall(REQUEST % host.encode())
    return read_response(tls)


def read_response(stream: socket.socket) -> bytes:
    """Read one response that has a Content-Length."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += _some(stream)
    head, _, body = seen.partition(b"\r\n\r\n")
    (length,) = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while len(body) < length:
        body += _some(stream)
    return head + b"\r\n\r\n" + body


def _some(stream: socket.socket) -> bytes:
    data = stream.recv(65536)
    assert data, "closed in the middle of a response"
    return data


def read_all(stream: socket.socket) -> bytes:
    """Read to the end."""
    seen = b""
    with contextlib.suppress(ConnectionResetError):
        while data := stream.recv(65536):
            seen += data
    return seen


def client_hello(name: str = "a.test") -> bytes:
    """Return the first bytes that a client sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context().wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def s_client(port: int, *options: str) -> str:
    """Run `openssl s_client` over a connection that ends at once, and return what it says."""
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", *options)


def run(*command: str, cwd: Path | None = None, timeout_s: float = 30) -> str:
    """Run a client to its end and return all that it says; skip where it is not installed."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout_s,
        check=False,
    )
    return done.stdout.decode(errors="replace")


GO_CLIENT = """package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	pem, _ := os.ReadFile(os.Args[2])
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	connection, err := tls.Dial("tcp", os.Args[1], &tls.Config{ServerName: os.Args[3], RootCAs: roots})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	state := connection.ConnectionState()
	fmt.Println(tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite), state.CurveID)
	connection.Close()
}
"""


@functools.cache
def go_client(directory: Path) -> Path:
    """Build a client of Go's crypto/tls."""
    if not shutil.which("go"):
        pytest.skip("go is not installed")
    (directory / "main.go").write_text(GO_CLIENT)
    program = directory / "client"
    said = run("go", "build", "-o", str(program), "main.go", cwd=directory, timeout_s=170)
    assert program.exists(), said
    return program
