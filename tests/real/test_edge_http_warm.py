"""Warm connections to servers through the real edge: which are kept, and who may have them."""

import contextlib
import select
import socket
import ssl
import threading
from functools import partial
from pathlib import Path

import pytest

from port443.core.contract.snapshot import Pool
from stopping import stopped
from upstreams import Received, Upstream, Visit, plain_response, running_upstream
from waiting import HANG_S, wait_until
from web import DEADLINE_S, NAME, Web, client_context, read_answer, running_web, web_before

pytestmark = pytest.mark.machine

OTHER = plain_response(b"poisoned")
HELLOS = 40
"""Handshakes between two requests: they keep the edge busy in one turn of its event loop."""


def get(path: str = "/", *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {NAME}", *fields, "", ""]).encode()


def own_path(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(request.path.encode()))


class Babbler:
    """A server that has answered `/first`, and could say more before it reads the next request."""

    def __init__(self) -> None:
        self.is_asked, self.may_answer, self.has_answered, self.may_go_on = (
            threading.Event() for _ in range(4)
        )

    def answer(self, visit: Visit, request: Received) -> None:
        is_first = request.path == "/first"
        if is_first:
            self.is_asked.set()
            visit.wait(self.may_answer.is_set)
        own_path(visit, request)
        if is_first:
            self.visit = visit
            self.has_answered.set()
            visit.wait(self.may_go_on.is_set)

    def babble(self) -> bool:
        """Say more unless the next request has come: what comes after it is a (wrong) answer to it."""
        is_late, _, _ = select.select([self.visit.socket], [], [], 0)
        if not is_late:
            self.visit.send(OTHER)
        return not is_late


def dialled(web: Web) -> socket.socket:
    return socket.create_connection(("127.0.0.1", web.port), DEADLINE_S)


def hello(web: Web) -> bytes:
    """Write the first bytes of a client's handshake."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        client_context(web).wrap_bio(received, sent, server_hostname=NAME).do_handshake()
    return sent.read()


def babbled_between(web: Web, server: Babbler) -> bool:
    """Whether a second answer came between two requests of one turn; the second one's is right."""
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
        with stopped(web.edge.process.pid):
            has_babbled = server.babble()
        server.may_go_on.set()
        assert read_answer(other).body == b"/next"
        return has_babbled


def test_a_second_answer_is_not_the_next_one_of_the_same_turn(tmp_path: Path) -> None:
    """What follows an answer in a segment of its own reaches nobody, however soon another asks."""
    servers: list[Babbler] = []

    def answer(visit: Visit, request: Received) -> None:
        servers[-1].answer(visit, request)

    def has_babbled() -> bool:
        servers.append(Babbler())
        return babbled_between(web, servers[-1])

    with web_before(tmp_path, answer) as (web, _):
        wait_until(has_babbled)  # The edge may be through with the turn before it is stopped: once more.


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
