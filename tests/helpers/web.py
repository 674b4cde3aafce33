"""A site on a running edge, and clients that ask it: curl, and raw HTTP/1.1 over TLS."""

import contextlib
import socket
import ssl
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from port443.core.contract.snapshot import Hsts, Listener, Pool, Server
from tls_certs import Wish, ec_key, intermediate, issue, root
from upstreams import Behaviour, Upstream, running_upstream
from waiting import HANG_S
from wrapping import wrapped

NAME = "app.localhost"
DEADLINE_S = HANG_S
LEAF = issue(Wish((NAME, "other.localhost")), ec_key(), intermediate())


@dataclass
class Answer:
    """A response, as a client read it."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Return the values of a field, in order."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def value(self, name: str) -> str:
        """Return the value of a field that must be there once."""
        (value,) = self.values(name)
        return value


@dataclass
class Web:
    """One site in front of some servers, with a listener for https and one in clear."""

    edge: RunningEdge
    scene: Scene
    https: Listener
    clear: Listener
    directory: Path

    @property
    def port(self) -> int:
        return int(self.https.address.rpartition(":")[2])

    @property
    def clear_port(self) -> int:
        return int(self.clear.address.rpartition(":")[2])

    @property
    def cacert(self) -> Path:
        return self.directory / "root.pem"

    def curl(
        self, *args: str, path: str = "/", check: bool = True, stdin: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run curl on the site, as if it stood on port 443."""
        command = self._curl_command(*args, path=path)
        result = subprocess.run(command, stdin=stdin, capture_output=True, check=False, timeout=90)
        assert result.returncode == 0 or not check, result.stderr.decode()
        return result

    @contextlib.contextmanager
    def curl_running(self, *args: str) -> Iterator[None]:
        """Run curl on the site for as long as something else is done, and then end it."""
        with subprocess.Popen(self._curl_command(*args), stdout=subprocess.DEVNULL) as curl:
            try:
                yield
            finally:
                curl.kill()

    def _curl_command(self, *args: str, path: str = "/") -> list[str]:
        place = f"{NAME}:443:127.0.0.1:{self.port}"
        command = ["curl", "-sS", "--max-time", "60", "--cacert", str(self.cacert), "--connect-to", place]
        return [*command, *args, f"https://{NAME}{path}"]

    def get(self, *args: str, path: str = "/") -> Answer:
        """Ask by curl, and read the last response with its head."""
        raw = self.curl("-i", *args, path=path).stdout
        while True:
            head, _, rest = raw.partition(b"\r\n\r\n")
            answer = _answer(head, rest)
            if not 100 <= answer.status < 200:
                return answer
            raw = rest

    @contextlib.contextmanager
    def connected(self, name: str = NAME, *alpn: str) -> Iterator[ssl.SSLSocket]:
        """Open a TLS connection to the site."""
        with self.connected_by(client_context(self, *alpn), name) as tls:
            yield tls

    @contextlib.contextmanager
    def connected_by(self, context: ssl.SSLContext, name: str = NAME) -> Iterator[ssl.SSLSocket]:
        """Open a TLS connection to the site by a client's own rules."""
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)
        with (
            raw,
            wrapped(context, raw, server_hostname=name, suppress_ragged_eofs=False) as tls,
        ):
            yield tls

    def ask(self, request: str, name: str = NAME) -> Answer:
        """Send raw bytes on a fresh connection and read one response up to its end."""
        with self.connected(name) as tls:
            tls.sendall(request.encode("latin-1"))
            return read_answer(tls)


def client_context(web: Web, *alpn: str) -> ssl.SSLContext:
    """Make what a client of the site needs for its handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(web.cacert)
    context.set_alpn_protocols(list(alpn) or ["http/1.1"])
    return context


def fin(tls: ssl.SSLSocket) -> None:
    """End the sending side of TCP, without a word of TLS."""
    socket.socket.shutdown(tls, socket.SHUT_WR)


def close_notify(tls: ssl.SSLSocket) -> None:
    """Say that no more comes, and do not wait for the same."""
    timeout = tls.gettimeout()
    tls.settimeout(0)
    with contextlib.suppress(ssl.SSLError):  # What the edge says meanwhile is read later, or never.
        tls.unwrap()
    tls.settimeout(timeout)


def reset(tls: ssl.SSLSocket) -> None:
    """Have the socket's close be a reset, as it is when anything was left unread."""
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def read_answer(sock: socket.socket, raw: bytes = b"") -> Answer:
    """Read one response of known length, or everything to the end of the connection."""
    while b"\r\n\r\n" not in raw:
        piece = sock.recv(1)
        assert piece, f"the connection ended after {raw!r}"
        raw += piece
    answer = _answer(raw[:-4], b"")
    if lengths := answer.values("content-length"):
        left = int(lengths[0])
        while left and (piece := sock.recv(left)):
            answer.body += piece
            left -= len(piece)
    elif answer.status >= 200 and answer.status not in {204, 304}:
        while piece := sock.recv(65536):
            answer.body += piece
    return answer


def _answer(head: bytes, body: bytes) -> Answer:
    status, *lines = head.decode("latin-1").split("\r\n")
    fields = [tuple(line.split(": ", 1)) for line in lines if line]
    return Answer(int(status.split(" ")[1]), [(name, value) for name, value in fields], body)


@contextlib.contextmanager
def running_web(
    directory: Path,
    *servers: Server,
    hsts: Hsts | None = None,
    redirect_cacheable: bool = False,
    workers: int = 1,
    limits: dict[str, int] | None = None,
    pool: Pool | None = None,
) -> Iterator[Web]:
    """Run an edge with one site in front of these servers, or of a pool with settings of its own."""
    (directory / "root.pem").write_bytes(root().pem)
    site = SiteWish((NAME,), (LEAF,), servers, hsts=hsts, redirect_cacheable=redirect_cacheable)
    site = replace(site, pool=pool)
    with running_edge(workers) as edge:
        https = edge.listen()
        clear = edge.listen("redirect", https_port=int(https.address.rpartition(":")[2]))
        scene = Scene((site,), (https, clear)).with_limits(**(limits or {}))
        edge.apply(scene)
        yield Web(edge, scene, https, clear, directory)


@contextlib.contextmanager
def web_before(
    directory: Path, behaviour: Behaviour, hsts: Hsts | None = None, /, **limits: int
) -> Iterator[tuple[Web, Upstream]]:
    """Run an edge with one site in front of one server that behaves so."""
    with (
        running_upstream(behaviour) as upstream,
        running_web(directory, upstream.server, hsts=hsts, limits=limits) as web,
    ):
        yield web, upstream
