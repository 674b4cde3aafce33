"""Start the real edge program for a test, speak its contract, and end it by its process id."""

import base64
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from port443.core.acme.challenges import PendingAnswer
from port443.core.contract.snapshot import (
    Certificate,
    Hash,
    Hsts,
    Limits,
    Listener,
    Part,
    Pool,
    PrivateKey,
    Root,
    Server,
    Site,
    SiteLimits,
    TicketKey,
    Timeouts,
    TlsPolicy,
    hash_of,
    plain,
)
from port443.core.plan.planner import Plan
from seam_client import RawClient
from tls_certs import Issued
from waiting import HANG_S, wait_until

REPOSITORY = Path(__file__).parents[2]
DEADLINE_S = HANG_S
Role = Literal["https", "redirect"]

INTERMEDIATE = TlsPolicy(
    versions=("1.3", "1.2"),
    suites=(
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    ),
    groups=("X25519MLKEM768", "x25519", "secp256r1", "secp384r1"),
    alpn=("h2", "http/1.1"),
    tickets=True,
)
STANDARD_SITE_LIMITS = SiteLimits()
NOWHERE = (Server("127.0.0.1", 1),)
"""An upstream for tests that never get that far."""


def edge_program() -> Path:
    """Return the program under test: PORT443_EDGE, else what cargo built last."""
    if named := os.environ.get("PORT443_EDGE"):
        return Path(named)
    built = [REPOSITORY / "edge" / "target" / profile / "port443-edge" for profile in ("release", "debug")]
    newest = sorted((path for path in built if path.is_file()), key=lambda path: path.stat().st_mtime)
    if not newest:
        pytest.skip("port443-edge is not built: make the edge first")
    return newest[-1]


@dataclass(frozen=True)
class SiteWish:
    """A site as a test wants it; the id is its first name."""

    names: tuple[str, ...]
    certificates: tuple[Issued, ...]
    servers: tuple[Server, ...] = NOWHERE
    policy: TlsPolicy = INTERMEDIATE
    hsts: Hsts | None = None
    redirect_cacheable: bool = False
    pool: Pool | None = None
    """A pool with settings of its own, instead of `servers`."""
    limits: SiteLimits = STANDARD_SITE_LIMITS
    timeouts: Timeouts | None = None


@dataclass(frozen=True)
class Scene:
    """A snapshot as a test wants it: sites, listeners and all that they need."""

    sites: tuple[SiteWish, ...] = ()
    listeners: tuple[Listener, ...] = ()
    limits: Limits = field(default_factory=Limits)
    default_site: str | None = None
    ticket_secrets: tuple[bytes, ...] = (b"\x01" * 32,)
    """Newest first."""
    answers: tuple[PendingAnswer, ...] = ()
    """To challenges of the first site."""

    def with_limits(self, **changes: int) -> "Scene":
        return replace(self, limits=replace(self.limits, **changes))

    def documents(self) -> tuple[Root, tuple[Part, ...]]:
        """Return the root and its parts."""
        parts: dict[Hash, Part] = {}

        def add(part: Part) -> Hash:
            parts[hash_of(part)] = part
            return hash_of(part)

        sites = {wish.names[0]: add(_site(wish, add)) for wish in self.sites}
        keys = tuple(add(TicketKey(_base64(secret))) for secret in self.ticket_secrets)
        root = Root(
            listeners=self.listeners,
            limits=self.limits,
            sites=sites,
            default_site=self.default_site,
            ticket_keys=keys,
            parts=tuple(sorted(parts)),
        )
        if self.answers:
            made = Plan(root, parts).answering({self.sites[0].names[0]: self.answers})
            root, parts = made.root, dict(made.parts)
        return root, tuple(parts.values())


def _site(wish: SiteWish, add: Callable[[Part], Hash]) -> Site:
    identity = wish.names[0]
    return Site(
        id=identity,
        names=tuple(sorted(wish.names)),
        tls=add(wish.policy),
        certificates=tuple(add(_certificate(issued, add)) for issued in wish.certificates),
        pool=add(wish.pool or Pool(identity, wish.servers)),
        hsts=wish.hsts,
        redirect_cacheable=wish.redirect_cacheable,
        limits=wish.limits,
        timeouts=wish.timeouts,
    )


def _certificate(issued: Issued, add: Callable[[Part], Hash]) -> Certificate:
    names = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    covered = sorted(str(name.value) for name in names)
    # The root is not sent: whoever trusts it has it.
    chain = (issued, *issued.above[:-1]) if issued.above else (issued,)
    pkcs8 = issued.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    key = add(PrivateKey(_base64(pkcs8)))
    return Certificate(tuple(covered), tuple(_base64(one.der) for one in chain), key)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class RunningEdge:
    """A running edge program with a runtime directory of its own."""

    runtime: Path
    process: subprocess.Popen[bytes]
    workers: int
    epoch: int = 1
    running: Hash | None = None
    held: list[socket.socket] = field(default_factory=list)

    @property
    def socket_path(self) -> Path:
        return self.runtime / "edge.sock"

    def control(self) -> RawClient:
        """Open a connection of its own to the edge's socket."""
        return RawClient(self.socket_path)

    def request(self, verb: str, fds: Sequence[int] = (), **fields: Any) -> dict[str, Any]:
        """Ask one thing over a fresh connection."""
        with self.control() as control:
            return control.request(verb, fds, **fields)

    def listen(
        self, role: Role = "https", host: str = "127.0.0.1", https_port: int | None = None
    ) -> Listener:
        """Bind a socket for each worker to one free port, and hand them over."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        port, sockets = 0, []
        for _ in range(self.workers):
            bound = socket.socket(family, socket.SOCK_STREAM)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            bound.bind((host, port))
            bound.listen(4096)
            port = bound.getsockname()[1]
            sockets.append(bound)
        self.held += sockets
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        listener = Listener(f"{role}:{address}", role, address, https_port or port)
        names = [{"listener": listener.id, "worker": worker} for worker in range(self.workers)]
        self.request("sockets", [bound.fileno() for bound in sockets], sockets=names)
        return listener

    def apply(self, scene: Scene) -> dict[str, Any]:
        """Put what is needed, apply, and return the receipt."""
        root, parts = scene.documents()
        with self.control() as control:
            control.request("put", parts=[plain(part) for part in parts])
            receipt: dict[str, Any] = control.request(
                "apply", root=plain(root), epoch=self.epoch, base=self.running
            )["receipt"]
        assert receipt["missing"] == []
        self.running = receipt["root"]
        return receipt

    def stats(self) -> dict[str, Any]:
        """Return the counters."""
        stats: dict[str, Any] = self.request("stats")["stats"]
        return stats

    def events(self, since: int = 0) -> "EventStream":
        """Open the stream of events."""
        return EventStream(self.control(), since)

    def wait_event(self, name: str, since: int = 0, **wanted: Any) -> dict[str, Any]:
        """Wait for an event with these fields and return it."""
        with contextlib.closing(self.events(since)) as events:
            return events.find(name, **wanted)

    def last_event(self) -> int:
        """Return the number of the newest event, to look only at later ones."""
        last: int = self.stats()["events"]["last"]
        return last

    def stop(self) -> int:
        """End the program at once and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(DEADLINE_S)
        finally:
            for bound in self.held:
                bound.close()


class EventStream:
    """Events as they come."""

    def __init__(self, control: RawClient, since: int) -> None:
        self.control = control
        self.begin = control.request("events", since=since)
        self.lines = control.socket.makefile("rb")

    def close(self) -> None:
        self.lines.close()
        self.control.close()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (json.loads(line) for line in self.lines)

    def find(self, name: str, **wanted: Any) -> dict[str, Any]:
        """Return the next event with these fields; the socket's timeout bounds the wait."""
        seen = []
        with contextlib.suppress(TimeoutError):
            for event in self:
                if event["name"] == name and wanted.items() <= event.items():
                    return event
                seen.append(event)
        msg = f"no {name} with {wanted} among {seen}"
        raise AssertionError(msg)


@contextlib.contextmanager
def running_edge(workers: int = 2, environment: dict[str, str] | None = None) -> Iterator[RunningEdge]:
    """Run the edge program in a runtime directory of its own, and end it whatever happens."""
    program = edge_program()
    # A socket's path has 108 bytes, and the product's runtime directory lies in memory.
    memory = Path("/dev/shm")  # noqa: S108 - mkdtemp makes it private
    runtime = Path(tempfile.mkdtemp(prefix="p443-", dir=memory if memory.is_dir() else None))
    with (runtime / "edge.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--runtime", runtime, "--workers", str(workers)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
        )
    edge = RunningEdge(runtime, process, workers)
    try:
        wait_until(lambda: _answers(edge))
        yield edge
    finally:
        edge.stop()
        shutil.rmtree(runtime)


def _answers(edge: RunningEdge) -> bool:
    assert edge.process.poll() is None, (edge.runtime / "edge.log").read_text()
    try:
        return bool(edge.request("identify"))
    except OSError:
        return False
