"""Bodies through the real edge: framings, order, and the moments when they may not wait."""

import hashlib
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from upstreams import Received, Visit, chunked, plain_response, says, says_raw
from waiting import wait_until
from web import NAME, close_notify, fin, read_answer, reset, web_before

BLOCK = bytes(range(256)) * 4096
BLOCKS = 100
WHOLE = hashlib.sha256(BLOCK * BLOCKS).hexdigest()
HTTP = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


@pytest.mark.slow
@HTTP
@pytest.mark.parametrize("framing", ["sized", "chunked", "until_close"])
def test_100_mib_come_down_whole(tmp_path: Path, version: str, framing: str) -> None:
    """A long response arrives byte for byte, however its end is told."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        blocks = (BLOCK for _ in range(BLOCKS))
        fields = {
            "sized": f"Content-Length: {len(BLOCK) * BLOCKS}\r\n",
            "chunked": "Transfer-Encoding: chunked\r\n",
            "until_close": "Connection: close\r\n",
        }
        visit.send(b"HTTP/1.1 200 OK\r\n", fields[framing].encode(), b"\r\n")
        for piece in chunked(blocks) if framing == "chunked" else blocks:
            visit.send(piece)
        if framing == "until_close":
            visit.close()

    with web_before(tmp_path, answer) as (web, _):
        web.curl(version, "-o", str(tmp_path / "out"))
        assert _digest(tmp_path / "out") == WHOLE
        assert web.edge.stats()["bytes"]["sent"] > len(BLOCK) * BLOCKS


@pytest.mark.slow
@HTTP
@pytest.mark.parametrize("framing", ["sized", "chunked"])
def test_100_mib_go_up_whole(tmp_path: Path, version: str, framing: str) -> None:
    """A long request arrives byte for byte, and keeps its framing."""
    source = tmp_path / "in"
    with source.open("wb") as file:
        file.writelines(BLOCK for _ in range(BLOCKS))
    # An upload from a pipe has no length.
    upload = str(source) if framing == "sized" else "-"
    with web_before(tmp_path, says(b"")) as (web, upstream), source.open("rb") as file:
        web.curl(version, "-T", upload, "-X", "POST", stdin=file)
        (request,) = upstream.requests
        assert (len(BLOCK) * BLOCKS, WHOLE) == (request.length, request.digest)
        assert bool(request.values("content-length")) == (framing == "sized")
        assert web.edge.stats()["bytes"]["received"] > len(BLOCK) * BLOCKS


@HTTP
def test_responses_without_a_body_are_understood(tmp_path: Path, version: str) -> None:
    """HEAD, 204 and 304 end with their head, and the connections on both sides go on."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        responses = {
            "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
            "/304": b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 9\r\n\r\n',
        }
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        visit.send(responses.get(request.path, head))

    with web_before(tmp_path, answer) as (web, upstream):
        assert web.get(version, "--head").value("content-length") == "9"
        assert ((one := web.get(version, path="/204")).status, one.body) == (204, b"")
        assert ((two := web.get(version, path="/304")).status, two.value("content-length")) == (304, "9")
    assert upstream.connections == 1


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    """Requests that arrive together, one with a body, are told apart and answered one by one."""

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(plain_response(request.path.encode() + request.body))

    with web_before(tmp_path, answer) as (web, upstream):
        host = f"Host: {NAME}\r\n"
        chunks = "2\r\nxy\r\n1;a=b\r\nz\r\n0\r\nT: u\r\n\r\n"
        coded = f"POST /b HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n{chunks}"
        sized = f"POST /c HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\nhi"
        with web.connected() as tls:
            tls.sendall(f"GET /a HTTP/1.1\r\n{host}\r\n{coded}{sized}GET /d HTTP/1.1\r\n{host}\r\n".encode())
            bodies = [read_answer(tls).body for _ in range(4)]
    assert bodies == [b"/a", b"/bxyz", b"/chi", b"/d"]
    assert [value for request in upstream.requests for value in request.values("t")] == []


def test_an_http_1_0_client_gets_no_chunks(tmp_path: Path) -> None:
    """A chunked response reaches an HTTP/1.0 client as plain bytes up to the connection's end."""
    coded = says_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    with web_before(tmp_path, coded) as (web, _):
        answer = web.ask(f"GET / HTTP/1.0\r\nHost: {NAME}\r\n\r\n")
    assert (answer.body, answer.values("transfer-encoding")) == (b"abcde", [])


@HTTP
def test_100_continue_is_passed_both_ways(tmp_path: Path, version: str) -> None:
    """A client that waits for 100 gets the server's own, and only then sends its body."""

    def answer(visit: Visit, request: Received) -> None:
        assert request.value("expect") == "100-continue"
        visit.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        visit.body(request)
        visit.send(plain_response(b"done"))

    with web_before(tmp_path, answer) as (web, upstream):
        wait = ["--expect100-timeout", "30", "-H", "Expect: 100-continue"]
        assert web.get(version, *wait, "-d", "body").body == b"done"
    assert upstream.requests[0].body == b"body"


@HTTP
def test_an_answer_before_the_end_of_the_request_arrives(tmp_path: Path, version: str) -> None:
    """A server may refuse a long upload at once: the client reads why."""

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(plain_response(b"too much", "Connection: close", status="413 Content Too Large"))
        visit.close()

    source = tmp_path / "in"
    source.write_bytes(BLOCK * 16)
    with web_before(tmp_path, answer) as (web, _):
        answered = web.curl(version, "-T", str(source), "-H", "Expect:", "-w", "%{http_code}", check=False)
    assert answered.stdout == b"too much413"


def test_an_upgrade_makes_a_tunnel(tmp_path: Path) -> None:
    """After 101 the bytes of another protocol pass both ways, those with the switch included."""

    def answer(visit: Visit, request: Received) -> None:
        fields = (request.value("connection"), request.value("upgrade"), request.value("sec-websocket-key"))
        assert fields == ("Upgrade", "websocket", "k")
        head = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        visit.send(head, b"early")
        while piece := visit.socket.recv(65536):
            visit.send(piece.upper())
        visit.send(b"bye")
        visit.close()

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        ask = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{ask}".encode())
        answer_head = read_answer(tls)
        assert (answer_head.status, answer_head.value("upgrade")) == (101, "websocket")
        assert tls.recv(5) == b"early"
        tls.sendall(b"ping")
        assert tls.recv(4) == b"PING"


def test_what_a_client_sends_behind_an_upgrade_arrives(tmp_path: Path) -> None:
    """A client that does not wait for the switch loses nothing by it."""
    heard: list[bytes] = []

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        heard.append(visit.file.read(8))
        visit.send(b"done")

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        ask = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{ask}early".encode())
        assert read_answer(tls).status == 101
        tls.sendall(b"bye")
        assert tls.recv(4) == b"done"
    assert heard == [b"earlybye"]


@pytest.mark.parametrize("end", [fin, close_notify])
def test_each_way_of_a_tunnel_ends_by_itself(tmp_path: Path, end: Callable[[ssl.SSLSocket], None]) -> None:
    """However the client ends its way, the server learns it, and what it still says arrives."""
    heard: list[bytes] = []

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        heard.append(visit.file.read())
        visit.send(b"y" * 200_000)
        visit.close()

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        ask = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{ask}".encode())
        assert read_answer(tls).status == 101
        tls.sendall(b"x" * 300_000)
        end(tls)
        received = 0
        while received < 200_000 and (piece := tls.recv(65536)):
            received += len(piece)
    assert (heard, received) == ([b"x" * 300_000], 200_000)


def test_a_reset_ends_a_tunnel_also_behind_an_end(tmp_path: Path) -> None:
    """A client that has ended its way is not read any more, and its reset is seen all the same."""

    def answer(visit: Visit, _request: Received) -> None:
        visit.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        visit.socket.recv(1)
        visit.wait(lambda: b"is gone" in told)

    told: list[bytes] = []
    with web_before(tmp_path, answer) as (web, upstream):
        with web.connected() as tls:
            ask = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{ask}".encode())
            assert read_answer(tls).status == 101
            fin(tls)
            reset(tls)
        wait_until(lambda: web.edge.stats()["connections"]["open"] == 0)
        told.append(b"is gone")
        wait_until(lambda: upstream.ended == [1])


def test_slow_clients_and_servers_get_bytes_as_they_come(tmp_path: Path) -> None:
    """A piece of a body is passed on before the next one exists."""
    turn = threading.Event()

    def answer(visit: Visit, request: Received) -> None:
        visit.body(request)
        visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", b"one")
        visit.wait(turn.is_set)
        visit.send(b"two")

    with web_before(tmp_path, answer) as (web, _), web.connected() as tls:
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        received = b""
        while not received.endswith(b"\r\n\r\none"):
            received += tls.recv(4096)
        turn.set()
        assert tls.recv(3) == b"two"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
