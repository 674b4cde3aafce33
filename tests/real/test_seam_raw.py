"""Whatever comes over its socket, the edge answers with a stable code and goes on as it was."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_harness import INTERMEDIATE, RunningEdge, Scene, SiteWish, running_edge
from port443.core.contract.snapshot import Limits, Pool, Root, Server, hash_of, plain
from seam_client import RawClient, frame, frame_of, refusal_in
from tls_certs import Issued, Wish, ec_key, issue, rsa_key
from waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    """Run one edge with a site for all tests of this file: none of them may change what it runs."""
    with running_edge() as edge:
        edge.apply(scene_of(edge))
        yield edge


@pytest.fixture
def client(edge: RunningEdge) -> Iterator[RawClient]:
    """Connect, and see afterwards that the running snapshot is untouched."""
    before = edge.request("identify")
    with RawClient(edge.socket_path) as client:
        yield client
    assert edge.request("identify") == before


def scene_of(edge: RunningEdge) -> Scene:
    """One site with its certificate on one listener."""
    return Scene(sites=(SiteWish(("a.test",), (certificate("a.test"),)),), listeners=(edge.listen(),))


def certificate(name: str) -> Issued:
    return issue(Wish(names=(name,)), ec_key())


def pool(**changes: Any) -> dict[str, Any]:
    return {**plain(Pool("pool", (Server("127.0.0.1", 9000),))), **changes}


REQUESTS: list[tuple[bytes, str, str]] = [
    (b"", "bad_json", ""),
    (b"identify", "bad_json", ""),
    (b"[]", "bad_json", ""),
    (b'"identify"', "bad_json", ""),
    (b'{"verb":"identify"', "bad_json", ""),
    (b'{"verb":"identify"}{}', "bad_json", ""),
    (b'{"verb":"stop","verb":"identify"}', "bad_json", ""),
    (b'{"verb":"\xff"}', "bad_json", ""),
    (b"\x00" * 100, "bad_json", ""),
    (b"[" * 100_000, "bad_json", ""),
    (b"{}", "bad_request", "verb"),
    (b'{"verb":null}', "bad_request", "verb"),
    (b'{"verb":"dance"}', "unknown_verb", ""),
    (b'{"verb":"STOP"}', "unknown_verb", ""),
    (b'{"verb":"stats","depth":2}', "bad_request", "depth"),
    (b'{"verb":"events"}', "bad_request", "since"),
    (b'{"verb":"events","since":"0"}', "bad_request", "since"),
    (b'{"verb":"drain","timeout_ms":-1}', "bad_request", "timeout_ms"),
    (b'{"verb":"take_sockets","after":1.5}', "bad_request", "after"),
    (b'{"verb":"put"}', "bad_request", "parts"),
    (b'{"verb":"put","parts":{}}', "bad_request", "parts"),
    (b'{"verb":"put","parts":[{"kind":"cake"}]}', "document_invalid", "parts[0].kind"),
    (b'{"verb":"apply","root":{},"epoch":9,"base":"x"}', "bad_request", "base"),
    (b'{"verb":"apply","root":{},"epoch":9,"base":null}', "document_invalid", "contract"),
    (b'{"verb":"apply","root":{"contract":1},"epoch":9,"base":null}', "document_invalid", "contract"),
    (b'{"verb":"identify","contract":2}', "bad_request", "contract"),
]


@pytest.mark.parametrize(("request_", "name", "path"), REQUESTS)
def test_wrong_requests_are_refused_and_the_connection_goes_on(
    client: RawClient, request_: bytes, name: str, path: str
) -> None:
    """A request that is wrong in any way is refused with its code and place; the next one is answered."""
    client.send(frame(request_))
    answer = client.answer()
    assert (refusal_in(answer), answer["error"]["path"]) == (name, path)
    assert client.ask("identify")["verb"] == "identify"


def test_none_of_a_frames_parts_is_stored_when_one_is_broken(client: RawClient) -> None:
    """A put is all or nothing, and its refusal names the part and the place in it."""
    good = pool(idle_per_worker=7)
    broken = pool(servers=[{"host": "127.0.0.1", "port": 0}])
    answer = client.ask("put", parts=[good, broken])
    assert refusal_in(answer) == "document_invalid"
    assert answer["error"]["path"] == "parts[1].servers[0].port"
    pool_hash = hash_of(Pool("pool", (Server("127.0.0.1", 9000),), idle_per_worker=7))
    root = Root((), Limits(), {}, None, (), (pool_hash,))
    running = client.ask("identify")["running"]
    receipt = client.ask("apply", root=plain(root), epoch=1, base=running)["receipt"]
    assert receipt == {"root": hash_of(root), "missing": [pool_hash]}


@pytest.mark.machine
@pytest.mark.parametrize("count", [1, 3, 4, 20])
def test_half_frames_are_told_at_the_end(client: RawClient, count: int) -> None:
    """A stream that ends inside a frame is answered with an error and closed."""
    client.send(frame_of("identify")[:count])
    client.socket.shutdown(socket.SHUT_WR)
    assert refusal_in(client.answer()) == "bad_frame"
    assert client.is_closed()


@pytest.mark.parametrize("start", [b"\x04\x00\x00\x01", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n"])
def test_frames_too_long_end_the_connection(client: RawClient, start: bytes) -> None:
    """A length beyond 64 MiB is refused before anything of the frame is read, and closes the connection."""
    client.send(start)
    assert refusal_in(client.answer()) == "frame_too_long"
    assert client.is_closed()


def test_answers_come_in_the_order_of_requests(client: RawClient) -> None:
    """Requests that come in one piece are answered one by one, refusals among them."""
    client.send(frame_of("identify") + frame_of("dance") + frame_of("stats") + (2**31).to_bytes(4))
    assert client.answer()["verb"] == "identify"
    assert refusal_in(client.answer()) == "unknown_verb"
    assert client.answer()["verb"] == "stats"
    assert refusal_in(client.answer()) == "frame_too_long"


def test_requests_survive_any_cut(client: RawClient) -> None:
    """A request that comes byte by byte is the same request."""
    for byte in frame_of("identify"):
        client.send(bytes([byte]))
    assert client.answer()["verb"] == "identify"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that the edge would take."""
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.mark.parametrize(("listed", "sent"), [(1, 0), (0, 1), (1, 2), (3, 2), (1, 253)])
def test_wrong_numbers_of_descriptors_are_refused(
    client: RawClient, listening: socket.socket, listed: int, sent: int
) -> None:
    """A frame must come with exactly the sockets that it lists."""
    names = [{"listener": "https:127.0.0.1:1", "worker": 0}] * listed
    descriptors = [listening.fileno()] * sent
    assert client.refusal("sockets", descriptors, sockets=names) == "fd_count_wrong"
    assert client.ask("identify")["verb"] == "identify"


def test_other_verbs_take_no_descriptors(client: RawClient, listening: socket.socket) -> None:
    """Descriptors that nobody asked for are refused, not kept for a later frame."""
    assert client.refusal("identify", [listening.fileno()]) == "fd_count_wrong"
    names = [{"listener": "https:127.0.0.1:1", "worker": 0}]
    assert client.refusal("sockets", sockets=names) == "fd_count_wrong"


def test_refused_descriptors_are_closed(client: RawClient) -> None:
    """What the edge does not take it lets go of."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(10)
        assert client.refusal("identify", [theirs.fileno()]) == "fd_count_wrong"
        theirs.close()
        assert ours.recv(1) == b""


def test_descriptors_belong_to_their_frame(client: RawClient, listening: socket.socket) -> None:
    """A frame that follows in the same piece does not take the descriptors of the one before it."""
    names = [{"listener": "https:127.0.0.1:1", "worker": 9}]
    request = frame_of("sockets", sockets=names)
    client.send(frame_of("identify") + request[:9])
    client.send(request[9:], [listening.fileno()])
    assert client.answer()["verb"] == "identify"
    # The worker is what is wrong about it: the descriptor has found its frame.
    assert refusal_in(client.answer()) == "bad_request"


def tcp() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def bound_only() -> socket.socket:
    bound = tcp()
    bound.bind(("127.0.0.1", 0))
    return bound


def datagrams() -> socket.socket:
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def unix_listener() -> socket.socket:
    with tempfile.TemporaryDirectory() as directory:
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bound.bind(str(Path(directory) / "s"))
    bound.listen()
    return bound


@pytest.mark.parametrize("kind", [tcp, bound_only, datagrams, unix_listener])
def test_other_sockets_are_refused(client: RawClient, kind: Callable[[], socket.socket]) -> None:
    """Only a listening TCP socket is taken."""
    with kind() as wrong:
        names = [{"listener": "https:127.0.0.1:1", "worker": 0}]
        assert client.refusal("sockets", [wrong.fileno()], sockets=names) == "fd_kind_wrong"


def test_files_are_refused(client: RawClient, listening: socket.socket) -> None:
    """A descriptor that is no socket is refused together with those beside it."""
    file = os.open(os.devnull, os.O_RDONLY)
    names = [{"listener": "https:127.0.0.1:1", "worker": 0}] * 2
    answer = client.ask("sockets", [listening.fileno(), file], sockets=names)
    os.close(file)
    assert refusal_in(answer) == "fd_kind_wrong"
    assert answer["error"]["path"] == "sockets[1]"


def test_unknown_workers_are_refused(client: RawClient, listening: socket.socket) -> None:
    """A socket for a worker that is not there is refused."""
    names = [{"listener": "https:127.0.0.1:1", "worker": 2}]
    answer = client.ask("sockets", [listening.fileno()], sockets=names)
    assert (refusal_in(answer), answer["error"]["path"]) == ("bad_request", "sockets[0].worker")


@pytest.mark.machine
def test_a_client_in_the_middle_of_a_frame_holds_nobody_up(edge: RunningEdge, client: RawClient) -> None:
    """Two clients at once get their own answers, whoever is slow."""
    request = frame_of("identify")
    client.send(request[:7])
    with RawClient(edge.socket_path) as other:
        assert other.ask("stats")["verb"] == "stats"
        client.send(request[7:])
        assert other.refusal("dance") == "unknown_verb"
    assert client.answer()["verb"] == "identify"


@pytest.mark.machine
def test_a_client_that_stops_reading_harms_nobody(edge: RunningEdge, client: RawClient) -> None:
    """Whoever asks and never reads fills its own queue; others are answered meanwhile."""
    client.socket.settimeout(0)
    requests = frame_of("stats") * 16
    with contextlib.suppress(BlockingIOError):
        while client.socket.send(requests):
            assert edge.request("identify")["verb"] == "identify"
    assert edge.request("identify")["verb"] == "identify"


@pytest.mark.machine
def test_too_many_clients_are_turned_away(edge: RunningEdge) -> None:
    """The edge serves a bounded number of clients; the next one is told, and served once others leave."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(RawClient(edge.socket_path)) for _ in range(70)]
        for client in clients[:64]:
            assert client.ask("identify")["verb"] == "identify"
        assert refusal_in(clients[64].answer()) == "too_many_clients"
        assert clients[64].is_closed()

    def is_served() -> bool:
        with RawClient(edge.socket_path) as client:
            try:
                return client.ask("identify").get("verb") == "identify"
            except (BrokenPipeError, ConnectionResetError):
                return False

    wait_until(is_served)


def test_stale_leases_and_beliefs_are_refused(edge: RunningEdge, client: RawClient) -> None:
    """An older control plane, or one that believes something else runs, changes nothing."""
    root = plain(Root((), Limits(), {}, None, (), ()))
    stale = client.refusal("apply", root=root, epoch=0, base=edge.running)
    assert stale == "stale_epoch"
    for base in [None, "0" * 64]:
        assert client.refusal("apply", root=root, epoch=1, base=base) == "stale_base"


def test_missing_parts_are_named_and_nothing_changes(edge: RunningEdge, client: RawClient) -> None:
    """A snapshot whose parts are not there is answered with all that is missing."""
    policy = replace(INTERMEDIATE, alpn=("h2",))
    site = SiteWish(("b.test",), (issue(Wish(names=("b.test",)), rsa_key()),), policy=policy)
    root, _ = Scene(sites=(site,), ticket_secrets=(b"\x07" * 32,)).documents()
    receipt = client.ask("apply", root=plain(root), epoch=1, base=edge.running)["receipt"]
    assert receipt == {"root": hash_of(root), "missing": list(root.parts)}
