"""Warm connections to servers through the real edge: which are kept, and who may have them."""

import contextlib
import select
import socket
import ssl
import threading
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from stopping import stopped
from upstreams import Received, Upstream, Visit, plain_response, running_upstream
from web import NAME, PATIENCE_S, Web, client_context, read_answer, running_web, web_before

from port443.core.plan.snapshot import Pool
from waiting import HANG_S, wait_until

pytestmark = pytest.mark.machine

OTHER = plain_response(b"poisoned")
HELLOS = 40
"""Handshakes between two requests: they keep the edge busy in one turn of its event loop."""


def get(path: str = "/", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {NAME}", *fields, "", ""]).encode()


def own_path(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(request.path.encode()))


@dataclass
class Babbler:
    """A server that answers `/first`, and says more as soon as the client has the answer."""

    is_asked: threading.Event = field(default_factory=threading.Event)
    may_answer: threading.Event = field(default_factory=threading.Event)
    has_answered: threading.Event = field(default_factory=threading.Event)
    may_babble: threading.Event = field(default_factory=threading.Event)
    babbled: list[bool] = field(default_factory=list)
    edge_pid: int = 0
    """Stopped while the server says more, so that nothing is asked at the same moment."""

    def answer(self, visit: Visit, request: Received) -> None:
        if request.path == "/first":
            self.is_asked.set()
            visit.wait(self.may_answer.is_set)
        own_path(visit, request)
        if request.path == "/first":
            self.has_answered.set()
            visit.wait(self.may_babble.is_set)
            with stopped(self.edge_pid):
                # What comes after the next request is a (wrong) answer to it: then it was too late.
                is_late, _, _ = select.select([visit.socket], [], [], 0)
                self.babbled.append(not is_late)
                if not is_late:
                    visit.send(OTHER)

    def forget(self) -> None:
        for event in (self.is_asked, self.may_answer, self.has_answered, self.may_babble):
            event.clear()


def dialled(web: Web) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), PATIENCE_S)


def hello(web: Web) -> bytes:
    """Write the first bytes of a client's handshake."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client_context(web).wrap_bio(received, sent, server_hostname=NAME).do_handshake()
    return sent.read()


def next_body(web: Web, server: Babbler) -> bytes:
    """Have a second answer come between two requests of one turn, and return the second one's."""
    server.forget()
    with web.connected() as one, web.connected() as other, contextlib.ExitStack() as held:
        strangers = [held.enter_context(dialled(web)) for _ in range(HELLOS)]
        hellos = [hello(web) for _ in strangers]
        wait_until(lambda: web.edge.stats()["connections"]["open"] >= HELLOS + 2)
        one.sendall(get("/first"))
        assert server.is_asked.wait(HANG_S)
        with stopped(web.edge.process.pid):
            server.may_answer.set()
            assert server.has_answered.wait(HANG_S)
            for stranger, first in zip(strangers, hellos, strict=True):
                stranger.sendall(first)
            other.sendall(get("/next"))
        assert read_answer(one).body == b"/first"
        server.may_babble.set()
        return read_answer(other).body


def test_a_second_answer_is_not_the_next_one_of_the_same_turn(tmp_path: Path) -> None:
    """What follows an answer in a segment of its own reaches nobody, however soon another asks."""
    server = Babbler()
    with web_before(tmp_path, server.answer) as (web, _):
        server.edge_pid = web.edge.process.pid
        bodies = [next_body(web, server) for _ in range(5)]
    assert any(server.babbled)
    assert bodies == [b"/next"] * 5


def upstream_has_got(upstream: Upstream, asked: int) -> bool:
    return len(upstream.requests) == asked


def test_as_many_connections_are_kept_as_were_needed_at_once(tmp_path: Path) -> None:
    """Beyond those that a pool keeps in any case: as much at once again opens no connection."""
    turns = threading.Semaphore(0)

    def answer(visit: Visit, request: Received) -> None:
        visit.wait(lambda: turns.acquire(blocking=False))
        own_path(visit, request)

    with (
        running_upstream(answer) as upstream,
        running_web(tmp_path, pool=Pool(NAME, (upstream.server,), idle_per_worker=2)) as web,
        contextlib.ExitStack() as held,
    ):
        clients = [held.enter_context(web.connected()) for _ in range(5)]
        for asked in (5, 10, 15):
            for client in clients:
                client.sendall(get())
            wait_until(partial(upstream_has_got, upstream, asked))
            turns.release(5)
            assert [read_answer(client).body for client in clients] == [b"/"] * 5
            assert upstream.connections == 5
