"""Scans in tests: fixtures, a marker, and assertions that say what keeps a server from meeting a policy.

    def test_the_site(tls_scan):
        assert tls_scan("example.com").objections(read_policy("bcp195")) == ()

    @pytest.mark.tls(min_grade="A", policy="mozilla-intermediate")
    def test_my_server(tls_scan, local_ca):
        tls_scan("localhost:8443", ca_file=local_ca.root)

Nothing of a scan is loaded before a fixture is used.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from port443.api import Policy, ScanResult
    from port443.core.x509.local_ca import Authority

__all__ = ["LocalCA", "TLSServer", "local_ca", "tls_scan", "tls_server"]
ANSWER = (
    b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
"""What a `tls_server` answers unless it is given something else."""
PATIENCE_S = 10.0
ACCEPT_S = 0.05
MARK = "@pytest.mark.tls"
MARKER = "tls(min_grade=None, fail_on=None, policy=()): what every tls_scan of the test has to meet"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain and its key, as files in PEM."""

    chain: Path
    key: Path


@dataclass(slots=True)
class LocalCA:
    """A CA that lives as long as the session of tests; nobody else believes it."""

    place: Path
    root: Path
    """Its root in PEM, for `ca_file` and for clients."""
    _authority: "Authority" = field(repr=False)
    _count: int = 0

    def issue(self, *names: str) -> Pair:
        """Make a certificate for reserved names, as localhost, x.test and addresses of loopback."""
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            Encoding,
            NoEncryption,
            PrivateFormat,
        )

        from port443.core.names import parse_site_name  # noqa: PLC0415
        from port443.core.x509.local_ca import LeafOrder, sign_leaf  # noqa: PLC0415
        from port443.core.x509.pem import certificate_pem  # noqa: PLC0415
        from port443.scan_wiring import believable_now  # noqa: PLC0415

        self._count += 1
        key = ec.generate_private_key(ec.SECP256R1())
        order = LeafOrder(tuple(map(parse_site_name, names)), key.public_key(), believable_now())
        pair = Pair(self.place / f"{self._count}.pem", self.place / f"{self._count}.key")
        pair.chain.write_bytes(certificate_pem([sign_leaf(self._authority, order).der]))
        pair.key.touch(mode=0o600)
        pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return pair


@dataclass(frozen=True, slots=True)
class TLSServer:
    """A server of TLS on loopback."""

    host: str
    port: int
    ca_file: Path
    """The root that signs for it."""

    @property
    def url(self) -> str:
        return f"https://{self.host}:{self.port}/"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Write objections one a line; of results of scans only."""
    if type(left).__name__ != "Objections" or op != "==" or right != ():
        return None
    found: tuple[Any, ...] = left  # type: ignore[assignment]
    return [f"{len(found)} objections to the server", *(f"- {one}" for one in found)]


@pytest.fixture(scope="session")
def local_ca(tmp_path_factory: pytest.TempPathFactory) -> LocalCA:
    """Return a CA for reserved names, made when it is first asked for."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    from port443.core.x509.local_ca import Authority, make_root  # noqa: PLC0415
    from port443.core.x509.pem import certificate_pem  # noqa: PLC0415
    from port443.scan_wiring import believable_now  # noqa: PLC0415

    place = tmp_path_factory.mktemp("local_ca")
    key = ec.generate_private_key(ec.SECP256R1())
    root = make_root(key, believable_now(), constrained=True)
    (place / "root.pem").write_bytes(certificate_pem([root.der]))
    return LocalCA(place, place / "root.pem", Authority(root, key))


@pytest.fixture
def tls_server(local_ca: LocalCA) -> Iterator[Callable[..., TLSServer]]:
    """Start servers of TLS: `tls_server("app.test", context=…, answer=…)`; all end with the test.

    The context is Python's own for servers; one that is given needs no certificate.
    """
    with ExitStack() as stack:

        def start(*names: str, context: ssl.SSLContext | None = None, answer: bytes = ANSWER) -> TLSServer:
            hosts = names or ("localhost",)
            pair = local_ca.issue(*hosts)
            made = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            made.load_cert_chain(pair.chain, pair.key)
            port = stack.enter_context(closing(_Listener(made, answer))).port
            return TLSServer(hosts[0], port, local_ca.root)

        yield start


class _Listener:
    """Accepts on a thread, and answers each connection on one of its own."""

    def __init__(self, context: ssl.SSLContext, answer: bytes) -> None:
        self._context, self._answer = context, answer
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._socket.settimeout(ACCEPT_S)
        self._is_over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._socket.getsockname()[1]
        self._run(self._accept)

    def close(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        self._socket.close()

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads = [one for one in self._threads if one.is_alive() or one.ident is None] + [thread]
        thread.start()

    def _accept(self) -> None:
        while not self._is_over.is_set():
            with suppress(OSError):
                opened, _ = self._socket.accept()
                self._run(self._serve, opened)

    def _serve(self, opened: socket.socket) -> None:
        opened.settimeout(PATIENCE_S)
        with suppress(OSError), opened:
            secured = self._context.wrap_socket(opened, server_side=True)
            with secured:
                if secured.recv(65536):
                    secured.sendall(self._answer)


@pytest.fixture
def tls_scan(request: pytest.FixtureRequest) -> "Callable[..., ScanResult]":
    """Scan a host, `host:port`, URL or `tls_server`; options are the fields of `ScanOptions`.

    Under `@pytest.mark.tls` each result has to meet what the marker says.
    """
    from port443.api import ScanOptions, scan  # noqa: PLC0415

    policy = _policy_of(request.node.get_closest_marker("tls"))

    def look(target: str | TLSServer, **options: Any) -> "ScanResult":
        with ExitStack() as stack:
            if isinstance(target, TLSServer):
                options.setdefault("connect", "127.0.0.1")
                options.setdefault("ca_file", target.ca_file)
                options.setdefault("http_port", stack.enter_context(_closed_port()))
                target = f"{target.host}:{target.port}"
            result = scan(target, ScanOptions(**options))
        found = () if policy is None else result.objections(policy)
        if found:
            pytest.fail(
                "\n".join((f"{target} does not meet {MARK}:", *(f"- {one}" for one in found))), pytrace=False
            )
        return result

    return look


def _policy_of(marker: pytest.Mark | None) -> "Policy | None":
    if marker is None:
        return None
    from port443.api import marked_policy  # noqa: PLC0415

    return marked_policy(**marker.kwargs)


@contextmanager
def _closed_port() -> Iterator[int]:
    """Hold a port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
