"""Servers that are processes, and what becomes of their clients when they are killed or frozen."""

import contextlib
import os
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from port443.core.contract.snapshot import Pool, Server
from stopping import stopped
from waiting import HANG_S, wait_until
from web import DEADLINE_S, NAME, Web, client_context, read_answer, running_web
from wrapping import wrapped

pytestmark = pytest.mark.machine

PROGRAM = Path(__file__).parents[1] / "helpers" / "upstream_program.py"
TOP = Path(__file__).parents[2]
BRIEF_MS = 1500
"""Longer than a server that is well ever takes, however busy the machine; nothing here need be faster."""


@dataclass
class Backend:
    """A server's process, started anew on the same port when it has to be."""

    process: subprocess.Popen[str]
    server: Server

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(HANG_S)


@contextlib.contextmanager
def running_backend(port: int = 0) -> Iterator[Backend]:
    """Run a server's process, and end it whatever happens."""
    path = os.pathsep.join(str(TOP / part) for part in ("tests/real", "tests", "src"))
    with subprocess.Popen(
        [sys.executable, PROGRAM, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        assert process.stdout is not None
        try:
            yield Backend(process, Server("127.0.0.1", int(process.stdout.readline())))
        finally:
            process.kill()


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running_backend() as backend:
        yield backend


@pytest.fixture
def web(tmp_path: Path, backend: Backend) -> Iterator[Web]:
    pool = Pool(NAME, (backend.server,), response_timeout_ms=BRIEF_MS)
    with running_web(tmp_path, pool=pool, limits={"body_timeout_ms": 5000}) as web:
        yield web


def get(path: str, *fields: str) -> str:
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {NAME}", *fields, "", ""])


def serves(web: Web) -> bool:
    return web.ask(get("/fine")).body == b"/fine"


def test_a_killed_server_breaks_its_answers_off_and_is_found_again(web: Web, backend: Backend) -> None:
    """Whoever was being answered sees a broken answer, others get 502, until somebody listens again."""
    assert serves(web)
    with web.connected() as tls:
        tls.sendall(get("/half").encode())
        wait_until(lambda: b"\r\n\r\na" in tls.recv(4096))
        backend.kill()
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            tls.recv(1)
    web.edge.wait_event("upstream_failed", site=NAME, reason="closed_early", status=0)
    assert web.ask(get("/fine")).status == 502
    web.edge.wait_event("upstream_went_down", reason="connect_refused")
    with running_backend(backend.server.port):
        assert wait_until(lambda: serves(web))
        web.edge.wait_event("upstream_came_back")


def test_a_frozen_server_costs_its_time_and_leaves_nothing_behind(web: Web, backend: Backend) -> None:
    """While it is stopped clients get 504; what it says when it wakes up reaches nobody."""
    assert serves(web)
    with stopped(backend.process.pid):
        assert [web.ask(get(f"/frozen-{number}")).status for number in range(2)] == [504, 504]
        web.edge.wait_event("upstream_failed", site=NAME, reason="response_timeout", status=504)
    bodies = [web.ask(get(f"/after-{number}")).body for number in range(8)]
    assert bodies == [f"/after-{number}".encode() for number in range(8)]


@pytest.mark.parametrize(("path", "reason"), [("/reset", "closed_early"), ("/garbage", "response_malformed")])
def test_a_server_that_resets_or_talks_garbage_gives_502(web: Web, path: str, reason: str) -> None:
    """The client gets a page, and the next one is served."""
    assert web.ask(get(path)).status == 502
    web.edge.wait_event("upstream_failed", site=NAME, reason=reason, status=502)
    assert serves(web)


@pytest.mark.parametrize("path", ["/middle", "/reset-in-body"])
def test_a_body_that_ends_in_the_middle_is_seen_to(web: Web, path: str) -> None:
    """An end and a reset alike break the client's answer off."""
    with web.connected() as tls:
        tls.sendall(get(path).encode())
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError, AssertionError)):
            assert len(read_answer(tls).body) == 3
    web.edge.wait_event("upstream_failed", site=NAME, reason="closed_early")
    assert serves(web)


def test_an_early_answer_ends_both_connections(web: Web) -> None:
    """An answer before the request's end arrives at once, and no further request may follow it."""
    with web.connected() as tls:
        tls.sendall(get("/early", "Content-Length: 9").encode() + b"abc")
        answer = read_answer(tls)
        assert (answer.status, answer.body, answer.value("connection")) == (403, b"no", "close")
        tls.sendall(b"defghi" + get("/smuggled").encode())
        assert tls.recv(1) == b""
    assert serves(web)
    wait_until(lambda: web.edge.stats()["upstream"]["connections_open"] == 1)


@pytest.mark.slow
def test_one_byte_a_second_is_a_body(web: Web) -> None:
    """A server may be slow for as long as it is not silent."""
    assert web.ask(get("/slowly")).body == b"abc"


@pytest.mark.slow
def test_one_byte_a_second_is_too_slow_where_less_is_allowed(tmp_path: Path, backend: Backend) -> None:
    """A pause beyond the body's time-out breaks the answer off."""
    with running_web(tmp_path, backend.server, limits={"body_timeout_ms": 300}) as web:
        with web.connected() as tls:
            tls.sendall(get("/slowly").encode())
            with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
                read_answer(tls)
        web.edge.wait_event("upstream_failed", site=NAME, reason="body_timeout", status=0)


def test_an_edge_without_descriptors_serves_who_is_there_and_recovers(web: Web) -> None:
    """With none left nothing dies and no server is blamed; when some come free all is well again."""
    pid = web.edge.process.pid
    assert serves(web)
    with (
        web.connected() as busy,
        contextlib.closing(web.edge.control()) as control,
        contextlib.ExitStack() as waiting,
    ):
        busy.sendall(get("/half").encode())
        wait_until(lambda: b"\r\n\r\na" in busy.recv(4096))
        # Whoever was there before has left, and nobody else will.
        wait_until(lambda: control.request("stats")["stats"]["connections"]["open"] == 1)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        most = descriptors(pid) + 4
        with contextlib.ExitStack() as held:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, before[1]))
            held.callback(resource.prlimit, pid, resource.RLIMIT_NOFILE, before)
            clients = [held.enter_context(web.connected()) for _ in range(4)]
            assert descriptors(pid) == most
            for client in clients:
                client.sendall(get("/many").encode())
            # The only connection to the server is busy, and no other can be opened.
            assert {read_answer(client).status for client in clients} == {502}
            late = waiting.enter_context(socket.create_connection(("127.0.0.1", web.port), DEADLINE_S))
        with wrapped(client_context(web), late, server_hostname=NAME) as tls:
            tls.sendall(get("/late").encode())
            assert read_answer(tls).body == b"/late"
    assert serves(web)
    web.edge.wait_event("upstream_failed", reason="connect_failed", status=502)
    with contextlib.closing(web.edge.events()) as events:
        names = [event["name"] for _, event in zip(range(web.edge.last_event()), events, strict=False)]
    assert "upstream_went_down" not in names


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
