"""A pool's ceiling on the real edge: no more connections than allowed, an answer at once beyond it."""

import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from free_ports import free_port
from http2_frames import END_HEADERS, END_STREAM, HEADERS, frame, http2
from http2_frames import request as http2_request
from port443.core.contract.snapshot import Pool, Server, SiteLimits
from upstreams import Received, Upstream, Visit, deaf_server, plain_response, running_upstream, says
from waiting import wait_until
from web import NAME, Answer, Web, read_answer, reset, running_web

pytestmark = pytest.mark.machine

UPGRADE = ("Connection: Upgrade", "Upgrade: websocket")
FULL = b"503 Service Unavailable\nThe pool's connection limit is reached.\n"


def get(path: str = "/", *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: {NAME}", *fields, "", ""]).encode()


def get_2(stream: int, path: str = "/") -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, http2_request(path=path))


@dataclass
class Held:
    """A server that answers `/slow/…` when it may; all else at once, or by a tunnel."""

    gates: dict[str, threading.Event] = field(
        default_factory=lambda: {"/slow/1": threading.Event(), "/slow/2": threading.Event()}
    )

    def answer(self, visit: Visit, request: Received) -> None:
        if request.values("upgrade"):
            visit.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            )
            assert visit.socket.recv(1) == b""
            visit.close()
            return
        if request.path in self.gates:
            visit.wait(self.gates[request.path].is_set)
        visit.send(plain_response(request.path.encode()))

    def release(self) -> None:
        for gate in self.gates.values():
            gate.set()


@contextlib.contextmanager
def held_web(directory: Path, ceiling: int) -> Iterator[tuple[Web, Upstream, Held]]:
    """Run a site with one server that holds requests, and so many connections to it."""
    held = Held()
    with running_upstream(held.answer) as upstream, pooled(directory, ceiling, upstream.server) as web:
        try:
            yield web, upstream, held
        finally:
            held.release()


@contextlib.contextmanager
def pooled(directory: Path, ceiling: int, *servers: Server) -> Iterator[Web]:
    pool = Pool(NAME, servers, connections_per_worker=ceiling, connect_timeout_ms=60_000)
    with running_web(directory, pool=pool) as web:
        yield web


def ask(tls: ssl.SSLSocket, path: str = "/", *fields: str) -> Answer:
    tls.sendall(get(path, *fields))
    return read_answer(tls)


def connections(web: Web) -> int:
    opened: int = web.edge.stats()["upstream"]["connections_open"]
    return opened


def test_a_full_pool_answers_at_once_and_finishes_what_runs(tmp_path: Path) -> None:
    """Beyond the ceiling nothing is opened and nobody waits; who was let in gets his answer."""
    with (
        held_web(tmp_path, 2) as (web, upstream, held),
        web.connected() as one,
        web.connected() as other,
        web.connected() as late,
    ):
        one.sendall(get("/slow/1"))
        other.sendall(get("/slow/2"))
        wait_until(lambda: len(upstream.requests) == 2)
        refused = ask(late)
        assert (refused.status, refused.body) == (503, FULL)
        web.edge.wait_event(
            "upstream_failed", site=NAME, pool=NAME, server="", reason="pool_full", status=503
        )
        held.gates["/slow/1"].set()
        assert read_answer(one).body == b"/slow/1"
        assert ask(late, "/next").body == b"/next"
        held.gates["/slow/2"].set()
        assert read_answer(other).body == b"/slow/2"
        assert web.edge.stats()["upstream"]["failures"] == {"pool_full": 1}
        assert (upstream.connections, connections(web)) == (2, 2)
        assert "upstream_went_down" not in {event["name"] for event in told(web)}


def told(web: Web) -> Iterator[dict[str, object]]:
    """Give the events that have been told so far."""
    last = web.edge.last_event()
    with contextlib.closing(web.edge.events()) as events:
        for event in events:
            yield event
            if event["number"] >= last:
                return


def test_workers_share_what_they_find_of_a_server(tmp_path: Path) -> None:
    """One that is down is told once, however many workers meet it and whatever else is applied."""
    dead = Server("127.0.0.1", free_port())
    with (
        running_upstream(says(b"alive")) as alive,
        running_web(tmp_path, dead, alive.server, workers=4) as web,
    ):
        assert {web.ask(get().decode()).body for _ in range(30)} == {b"alive"}
        site = replace(web.scene.sites[0], redirect_cacheable=True)
        web.edge.apply(replace(web.scene, sites=(site,)))
        assert {web.ask(get().decode()).body for _ in range(30)} == {b"alive"}
        down = [event["server"] for event in told(web) if event["name"] == "upstream_went_down"]
    assert down == [f"{dead.host}:{dead.port}"]


def test_a_ceiling_holds_for_http_2_streams(tmp_path: Path) -> None:
    """Streams of one connection need a connection to a server each, and are refused each for itself."""
    with held_web(tmp_path, 2) as (web, upstream, held), http2(web) as client:
        client.send(get_2(1, "/slow/1"), get_2(3, "/slow/2"))
        wait_until(lambda: len(upstream.requests) == 2)
        client.send(get_2(5))
        assert client.answer(5) == (503, FULL)
        held.gates["/slow/1"].set()
        assert client.answer(1) == (200, b"/slow/1")
        client.send(get_2(7, "/next"))
        assert client.answer(7) == (200, b"/next")
        held.gates["/slow/2"].set()
        assert client.answer(3) == (200, b"/slow/2")
        assert upstream.connections == 2


def test_a_tunnel_counts_while_it_lives_whatever_is_applied(tmp_path: Path) -> None:
    """An upgraded connection has its place, also after an apply that leaves its pool as it is."""
    with held_web(tmp_path, 1) as (web, _, _), web.connected() as late:
        with web.connected() as tunnel:
            assert ask(tunnel, "/", *UPGRADE).status == 101
            assert ask(late).status == 503
            (site,) = web.scene.sites
            web.edge.apply(replace(web.scene, sites=(replace(site, limits=SiteLimits(body_bytes=1000)),)))
            assert ask(late).status == 503
        wait_until(lambda: connections(web) == 0)
        assert ask(late).status == 200


def test_a_full_pool_serves_by_what_is_warm(tmp_path: Path) -> None:
    """A slow server may hold all the rest: the other one's connections go on being used."""
    held = Held()
    with (
        running_upstream(held.answer) as slow,
        running_upstream(held.answer) as quick,
        pooled(tmp_path, 2, slow.server, quick.server) as web,
        web.connected() as one,
        web.connected() as other,
    ):
        one.sendall(get("/slow/1"))
        wait_until(lambda: slow.requests)
        assert [ask(other).status for _ in range(6)] == [200] * 6
        assert (slow.connections, len(quick.requests), quick.connections) == (1, 6, 1)
        held.release()
        assert read_answer(one).status == 200


def test_a_request_that_got_lost_is_sent_again_in_a_full_pool(tmp_path: Path) -> None:
    """The connection that lost it leaves its place to the new one."""
    seen: list[int] = []

    def answer(visit: Visit, _request: Received) -> None:
        if visit.number in seen:
            visit.close()
            return
        seen.append(visit.number)
        visit.send(plain_response(b"here"))

    with (
        running_upstream(answer) as upstream,
        pooled(tmp_path, 1, upstream.server) as web,
        web.connected() as tls,
    ):
        assert [ask(tls).status for _ in range(3)] == [200] * 3
        assert upstream.connections == 3
        assert web.edge.stats()["upstream"]["failures"] == {}


def is_let_in(web: Web) -> bool:
    """Whether a request is not answered at once, since a connection is being opened for it."""
    with web.connected() as tls:
        tls.sendall(get())
        tls.settimeout(0.3)
        try:
            assert read_answer(tls).status == 503
        except TimeoutError:
            return True
        return False


def test_a_connection_that_is_being_opened_counts(tmp_path: Path) -> None:
    """It does for as long as its client waits for it, and is no fault of the server's."""
    with deaf_server() as deaf, pooled(tmp_path, 1, deaf) as web:
        with web.connected() as tls:
            tls.sendall(get())
            with web.connected() as late:
                assert ask(late).body == FULL
            reset(tls)
        wait_until(lambda: is_let_in(web))
        assert set(web.edge.stats()["upstream"]["failures"]) == {"pool_full"}
