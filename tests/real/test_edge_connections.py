"""Many handshakes and connections at once against the real edge."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import pytest

from edge_harness import RunningEdge, Scene, SiteWish, running_edge
from port443.adapters.sample_backend import SampleBackend
from port443.core.contract.snapshot import Server
from tls_certs import Wish, ec_key, intermediate, issue
from tls_client import DEADLINE_S, ask, connected, context
from waiting import wait_until

pytestmark = pytest.mark.machine

MANY = 1000
KIB = 1024


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with running_edge() as started:
        yield started


def new_site(backend: SampleBackend) -> SiteWish:
    issued = issue(Wish(("a.test",)), ec_key(), intermediate())
    return SiteWish(("a.test",), (issued,), (Server("127.0.0.1", int(backend.url.rpartition(":")[2])),))


@contextlib.contextmanager
def in_the_background(act: Callable[[], None], count: int) -> Iterator[list[BaseException]]:
    """Do something over and over in some threads; yield the list of what went wrong."""
    over, failures = threading.Event(), list[BaseException]()

    def repeat() -> None:
        while not over.is_set():
            try:
                act()
            except BaseException as failure:  # noqa: BLE001 - the test reports it
                failures.append(failure)
                return

    threads = [threading.Thread(target=repeat) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield failures
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.slow
def test_certificates_are_swapped_under_load_without_a_failed_handshake(
    edge: RunningEdge, backend: SampleBackend
) -> None:
    """While fifty applies bring new certificates, every handshake succeeds and sees one of them."""
    sites = [new_site(backend) for _ in range(2)]
    known = {site.certificates[0].der for site in sites}
    listener = edge.listen()
    edge.apply(Scene((sites[0],), (listener,)))
    port, seen = int(listener.address.rpartition(":")[2]), set[bytes | None]()

    def shake_hands() -> None:
        with connected(port, "a.test", context()) as tls:
            seen.add(tls.getpeercert(binary_form=True))

    with in_the_background(shake_hands, 4) as failures:
        for swap in range(50):
            edge.apply(Scene((sites[swap % 2],), (listener,)))
            done = completed(edge)
            wait_until(lambda done=done: failures or completed(edge) > done + 5)  # type: ignore[misc]
    assert failures == []
    assert seen == known
    assert edge.stats()["handshake_failures"] == {}


def completed(edge: RunningEdge) -> int:
    return sum(line["count"] for line in edge.stats()["handshakes"])


@pytest.mark.slow
def test_a_thousand_connections_are_kept_alive(edge: RunningEdge, backend: SampleBackend) -> None:
    """A thousand clients hold their connections; each is answered twice, and idle ones are small."""
    listener = edge.listen()
    edge.apply(Scene((new_site(backend),), (listener,)).with_limits(idle_timeout_ms=60_000))
    port, client = int(listener.address.rpartition(":")[2]), context()
    with contextlib.ExitStack() as stack:
        first = [open_kept(stack, port, client) for _ in range(MANY // 10)]
        assert all(b" 200 " in ask(tls) for tls in first)
        before = edge.stats()["memory"]["resident_bytes"]
        rest = [open_kept(stack, port, client) for _ in range(MANY - len(first))]
        assert all(b" 200 " in ask(tls) for tls in rest)
        stats = edge.stats()
        assert stats["connections"]["open"] == MANY
        grown = (stats["memory"]["resident_bytes"] - before) / len(rest)
        assert grown < 24 * KIB, f"{grown / KIB:.1f} KiB for each idle connection"
        assert all(b" 200 " in ask(tls) for tls in first + rest)
        assert completed(edge) == MANY
    wait_until(lambda: edge.stats()["connections"]["open"] == 0)


def open_kept(stack: contextlib.ExitStack, port: int, client: ssl.SSLContext) -> ssl.SSLSocket:
    return stack.enter_context(connected(port, "a.test", client))


@pytest.mark.slow
def test_slow_clients_hold_nobody_up(edge: RunningEdge, backend: SampleBackend) -> None:
    """Hundreds of connections that never finish their hello do not delay one that does."""
    listener = edge.listen()
    edge.apply(Scene((new_site(backend),), (listener,)))
    port = int(listener.address.rpartition(":")[2])
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            tcp = stack.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE_S))
            tcp.sendall(b"\x16\x03\x01\x02\x00\x01")
        with connected(port, "a.test", context()) as tls:
            assert b" 200 " in ask(tls)
        assert edge.stats()["connections"]["open"] >= 300
