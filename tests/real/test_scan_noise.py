"""A real server behind a relay that refuses some connections: its scan denies nothing that is there."""

import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler

import pytest

from port443.core.grade.report import Report
from port443.core.names import Endpoint
from scanning import look
from tls_certs import Wish, ec_key, intermediate, issue, write
from tls_servers import openssl_server, raw_server

pytestmark = pytest.mark.slow
OLD = ("-cipher", "DEFAULT@SECLEVEL=0")
IsRefused = Callable[[int], bool]
"""From the number of the connection, the first is 1."""


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def end(client: socket.socket) -> None:
    client.close()


def alert(client: socket.socket) -> None:
    client.recv(65536)
    client.sendall(bytes((21, 3, 3, 0, 2, 2, 40)))


def some(rate: float) -> IsRefused:
    chosen = random.Random(443)  # noqa: S311 - the same connections in each run of the test
    return lambda _: chosen.random() < rate


NOISE: dict[str, tuple[IsRefused, Callable[[socket.socket], None]]] = {
    "resets, one in ten": (some(0.1), reset),
    "ends, every third": (lambda number: number % 3 == 0, end),
    "alerts, every other": (lambda number: number % 2 == 0, alert),
    "alerts, three in ten": (some(0.3), alert),
}


@contextmanager
def relay(
    origin: Endpoint, is_refused: IsRefused, refuse: Callable[[socket.socket], None]
) -> Iterator[Endpoint]:
    """Pass connections on, all but those that are refused."""
    numbers, lock = iter(range(1, 100_000)), threading.Lock()

    class Relay(BaseRequestHandler):
        request: socket.socket

        def handle(self) -> None:
            with lock:
                refused = is_refused(next(numbers))
            with suppress(OSError):
                if refused:
                    refuse(self.request)
                else:
                    self.pass_on()

        def pass_on(self) -> None:
            with socket.create_connection((origin.address, origin.port), 10) as server:
                back = threading.Thread(target=copy, args=(server, self.request), daemon=True)
                back.start()
                copy(self.request, server)
                back.join(10)

    with raw_server(Relay) as endpoint:
        yield endpoint


def copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            sink.sendall(octets)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def contradictions(seen: Report, truth: Report) -> list[str]:
    """Name what the noisy scan denies, claims or calls complete, and should not."""
    found = []
    for one, there in zip(seen.facts.server.versions, truth.facts.server.versions, strict=True):
        suites, known = {c.code for c in one.choices}, {c.code for c in there.choices}
        if not one.offered.is_unknown and one.offered.is_yes != there.offered.is_yes:
            found.append(f"{one.version.label}: {one.offered}")
        if not suites <= known or (one.offered.is_yes and one.complete.is_yes and suites != known):
            found.append(f"{one.version.label}: {suites ^ known}")
    for groups, whole in (
        (seen.facts.server.groups_13, truth.facts.server.groups_13),
        (seen.facts.server.groups_12, truth.facts.server.groups_12),
    ):
        if groups.complete.is_yes and set(groups.groups) != set(whole.groups):
            found.append(f"groups: {groups}")
    return found


@pytest.mark.parametrize("what", NOISE)
def test_a_noisy_path_makes_no_verdict(tmp_path: Path, what: str) -> None:
    """Compared with the scan of the same server without the relay."""
    leaf = issue(Wish(), ec_key(), intermediate())
    files = write(tmp_path, leaf, (intermediate(),))
    with openssl_server(files, *OLD) as origin, relay(origin, *NOISE[what]) as endpoint:
        assert contradictions(look(endpoint), look(origin)) == []
