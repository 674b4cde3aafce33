"""Requests that two readers may read differently: what the edge refuses, and what reaches the server."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smuggling_cases import smuggling_cases
from strict_http import messages
from upstreams import Received, Upstream, Visit, plain_response, running_upstream
from waiting import wait_until
from web import NAME, Web, read_answer, running_web

FORWARDED = (
    f"Forwarded: for=127.0.0.1;host={NAME};proto=https\r\nX-Forwarded-For: 127.0.0.1\r\n"
    f"X-Forwarded-Proto: https\r\nX-Forwarded-Host: {NAME}\r\n"
)
LAST = f"GET /last HTTP/1.1\r\nHost: {NAME}\r\n"
LAST_WRITTEN = f"{LAST}{FORWARDED}\r\n".encode()


@dataclass(frozen=True)
class Case:
    """One thing that a client sends, and what may come of it."""

    name: str
    send: bytes
    reaches: bytes
    refused: str | None
    status: int
    answers: list[int]
    closes: bool
    cut: bool


def new_case(name: str, fields: dict[str, Any]) -> Case:
    refused, status = fields.get("refused"), fields.get("status", 200)
    return Case(
        name=name.replace(" ", "_"),
        send=fields["send"].encode("latin-1"),
        reaches=fields.get("reaches", "").replace("{forwarded}", FORWARDED).encode("latin-1"),
        refused=refused,
        status=status,
        answers=fields.get("answers", [status]),
        closes=fields.get("closes", refused is not None),
        cut=fields.get("cut", False),
    )


CASES = [new_case(name, fields) for name, fields in smuggling_cases("requests.toml")]
IDS = [case.name for case in CASES]


def answer(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(b"" if request.line.startswith("HEAD ") else b"ok"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(answer, is_recorded=True) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[Web]:
    """One edge for all: a test looks at what comes after its own beginning."""
    limits = {"connections_per_address": 4096}
    with running_web(tmp_path_factory.mktemp("web"), upstream.server, limits=limits) as web:
        yield web


def test_there_are_enough_cases() -> None:
    """Each case has a name of its own, and says either why it is refused or what gets through."""
    assert len(set(IDS)) == len(CASES) >= 120
    assert [case.name for case in CASES if not (case.refused or case.reaches)] == []


@pytest.mark.parametrize("step", [0, 1], ids=["whole", "bytewise"])
@pytest.mark.parametrize("case", [case for case in CASES if not case.cut], ids=lambda case: case.name)
def test_only_the_strict_reading_reaches_the_server(
    web: Web, upstream: Upstream, case: Case, step: int
) -> None:
    """However the bytes arrive, the answers, the reason and the server's bytes are those of the case."""
    begin, since = len(upstream.pieces), web.edge.last_event()
    with web.connected() as tls:
        send(tls, case.send, step)
        head = case.send.startswith(b"HEAD ")
        assert case.answers == [read_status(tls, is_head=head) for _ in case.answers]
        if case.closes:
            assert ends(tls)
        else:
            send(tls, f"{LAST}\r\n".encode(), 0)
            assert read_answer(tls).body == b"ok"
    if case.closes:
        assert web.ask(f"{LAST}\r\n").body == b"ok"
    if case.refused:
        web.edge.wait_event("request_refused", since, site=NAME, reason=case.refused, status=case.answers[-1])
    reached = reached_since(upstream, begin)
    refused_late = case.refused == "body_malformed" and step
    if refused_late:
        # The head may be on its way before the fault has come, but never an end.
        reached = [message for message in reached if message[1]]
    assert case.reaches + LAST_WRITTEN == b"".join(written for written, _ in reached)
    assert all(is_whole for _, is_whole in reached)


@pytest.mark.parametrize("case", [case for case in CASES if case.cut], ids=lambda case: case.name)
def test_a_message_that_never_ends_stays_open(web: Web, upstream: Upstream, case: Case) -> None:
    """What follows the head of an endless body is its payload, and the server sees no end of it."""
    begin = len(upstream.pieces)
    with web.connected() as tls:
        send(tls, case.send, 0)
        wait_until(lambda: [(case.reaches, False)] == reached_since(upstream, begin))
    assert web.ask(f"{LAST}\r\n").body == b"ok"
    assert reached_since(upstream, begin) == [(case.reaches, False), (LAST_WRITTEN, True)]


def send(tls: ssl.SSLSocket, data: bytes, step: int) -> None:
    """Send bytes in steps; whoever is refused early may find nobody listening."""
    with contextlib.suppress(OSError):
        for at in range(0, len(data), step or len(data)):
            tls.sendall(data[at : at + (step or len(data))])


def read_status(tls: ssl.SSLSocket, *, is_head: bool) -> int:
    raw = b""
    while is_head and not raw.endswith(b"\r\n\r\n"):
        raw += tls.recv(1)
    return int(raw.split(b" ")[1]) if is_head else read_answer(tls).status


def ends(tls: ssl.SSLSocket) -> bool:
    """Whether nothing comes any more."""
    with contextlib.suppress(ConnectionResetError, ssl.SSLEOFError):
        return tls.recv(1) == b""
    return True


def reached_since(upstream: Upstream, begin: int) -> list[tuple[bytes, bool]]:
    """Read strictly what came on each connection; whether each message was whole."""
    streams: dict[int, bytes] = {}
    for number, piece in upstream.pieces[begin:]:
        streams[number] = streams.get(number, b"") + piece
    found = [message for stream in streams.values() for message in messages(stream)]
    return [(message.written(), message.is_whole) for message in found]
