"""Responses that two readers may read differently: what a client sees, and that nobody sees the rest."""

import contextlib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from smuggling_cases import smuggling_cases
from upstreams import Received, Visit, plain_response
from web import NAME, Web, read_answer, web_before


@dataclass(frozen=True)
class Case:
    """One thing that a server answers, and what may come of it."""

    name: str
    method: str
    send: bytes
    ends: bool
    passes: bytes
    broken: bytes
    fails: str | None


def new_case(name: str, fields: dict[str, Any]) -> Case:
    passes, broken = (fields.get(key, "").encode("latin-1") for key in ("passes", "broken"))
    return Case(
        name=name.replace(" ", "_"),
        method=fields.get("method", "GET"),
        send=fields["send"].encode("latin-1"),
        ends=fields.get("ends", False),
        passes=passes,
        broken=broken,
        fails=fields.get("fails"),
    )


CASES = [new_case(name, fields) for name, fields in smuggling_cases("responses.toml")]


def answer(visit: Visit, request: Received) -> None:
    """Answer to /case-N with its bytes, to anything else properly."""
    visit.body(request)
    if not request.path.startswith("/case-"):
        visit.send(plain_response(b"own"))
        return
    case = CASES[int(request.path.removeprefix("/case-"))]
    visit.send(case.send)
    if case.ends:
        visit.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One edge for all: a test looks at what comes after its own beginning."""
    with web_before(tmp_path_factory.mktemp("web"), answer) as (web, _):
        yield web


def test_every_case_says_what_comes_of_it() -> None:
    """A case has a name of its own, and passes or fails."""
    assert len({case.name for case in CASES}) == len(CASES)
    assert [case.name for case in CASES if bool(case.passes) == bool(case.fails)] == []


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
def test_only_one_reading_reaches_the_client(web: Web, number: int) -> None:
    """A client gets what the one reading gives or a failure, and the next one gets its own answer."""
    case, since = CASES[number], web.edge.last_event()
    with web.connected() as tls:
        tls.sendall(f"{case.method} /case-{number} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        if case.passes:
            assert case.passes == read_exactly(tls, len(case.passes))
            tls.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            assert read_answer(tls).body == b"own"
        else:
            status = broken_status(tls, case.broken) if case.broken else final_status(tls)
            assert status in ((0, 502) if case.broken else (502,))
    if case.fails:
        web.edge.wait_event("upstream_failed", since, site=NAME, reason=case.fails, status=status)
    assert web.ask(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n").body == b"own"


def read_exactly(tls: ssl.SSLSocket, count: int) -> bytes:
    raw = b""
    while len(raw) < count and (piece := tls.recv(count - len(raw))):
        raw += piece
    return raw


def broken_status(tls: ssl.SSLSocket, expected: bytes) -> int:
    """Return 0 for a cut beginning of what may come, and a page's status where nothing had left yet."""
    raw = b""
    with contextlib.suppress(ssl.SSLEOFError, ConnectionResetError):
        while expected.startswith(raw):
            piece = tls.recv(4096)
            assert piece, f"a clean end after {raw!r}"
            raw += piece
        return 502 if raw.startswith(b"HTTP/1.1 502 ") else -1
    return 0


def final_status(tls: ssl.SSLSocket) -> int:
    """Read over interim responses."""
    while (status := read_answer(tls).status) < 200:
        pass
    return status
