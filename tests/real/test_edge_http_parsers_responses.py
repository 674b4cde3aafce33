"""What the edge writes to a client reads the same to other people's parsers, over HTTP/1.1 and HTTP/2."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from foreign_parsers import portable, read_by_python, run_foreign
from odd_http import by_name
from odd_responses import DATE, Meaning, Reply, Responses
from strict_http import read_responses
from upstreams import Received, Visit
from web import NAME, Web, web_before

SEEDS = (443, 80, 8443, 9112)
COUNT = 200
"""Responses of one stream."""
HOP_BY_HOP = {"connection", "transfer-encoding"}


@dataclass(frozen=True)
class Stream:
    """What a server said, in the order in which it was asked, and where."""

    seed: int
    replies: list[Reply]

    @property
    def methods(self) -> list[str]:
        return [reply.method for reply in self.replies]

    @property
    def paths(self) -> list[str]:
        return [f"/{self.seed}/{number}" for number in range(COUNT)]

    @property
    def meant(self) -> list[Meaning]:
        return [meaning for reply in self.replies for meaning in reply.meant]


def streams() -> Iterator[Stream]:
    for seed in SEEDS:
        source = Responses(seed)
        yield Stream(seed, [source.reply() for _ in range(COUNT)])


STREAMS = list(streams())
REPLIES = {(stream.seed, at): reply for stream in STREAMS for at, reply in enumerate(stream.replies)}


def answer(visit: Visit, request: Received) -> None:
    """Say what stands at that place."""
    visit.body(request)
    _, seed, number = request.path.split("/")
    reply = REPLIES[int(seed), int(number)]
    visit.send(reply.raw)
    if reply.ends:
        visit.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with web_before(tmp_path_factory.mktemp("web"), answer) as (web, _):
        yield web


@pytest.fixture(scope="module")
def recorded(web: Web) -> list[bytes]:
    """Ask for each stream behind one another on one connection, and keep what comes to its end."""
    return [record(web, stream) for stream in STREAMS]


def record(web: Web, stream: Stream) -> bytes:
    asked = zip(stream.methods, stream.paths, strict=True)
    heads = [f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n" for method, path in asked]
    heads[-1] += "Connection: close\r\n"
    with web.connected() as tls:
        tls.sendall("".join(f"{head}\r\n" for head in heads).encode())
        return b"".join(iter(lambda: tls.recv(1 << 16), b""))


def check_same(found: list[list[dict[str, Any]]], *, has_reason: bool = True) -> None:
    """Compare what a parser read with what the server meant."""
    for stream, read in zip(STREAMS, found, strict=True):
        meant = stream.meant if has_reason else [replace(it, reason="") for it in stream.meant]
        assert meant == [meaning(one) for one in read], stream.seed


def meaning(one: dict[str, Any]) -> Meaning:
    """Return what a parser said, without what belongs to the connection and the edge's own Date."""
    fields = [tuple(line.split(": ", 1)) for line in one["fields"]]
    dates = [value for name, value in fields if name == "date"]
    assert len(dates) == (one["status"] >= 200), one
    kept = [(name, value) for name, value in fields if name not in HOP_BY_HOP]
    kept = [(name, value) for name, value in kept if name != "date" or value == DATE]
    return Meaning(one["status"], one["reason"].strip(" \t"), by_name(kept), one["body"])


def test_what_the_edge_writes_is_strict(recorded: list[bytes]) -> None:
    """A stream of its responses has one reading."""
    check_same([list(read_responses(raw, it.methods)) for raw, it in zip(recorded, STREAMS, strict=True)])


def test_python_reads_the_same(recorded: list[bytes]) -> None:
    """Python's client reads from the streams what the server meant."""
    check_same([list(read_by_python(raw, it.methods)) for raw, it in zip(recorded, STREAMS, strict=True)])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["go", "node"])
def test_other_languages_read_the_same(recorded: list[bytes], language: str) -> None:
    """Go's and Node's clients read from the streams what the server meant."""
    given = [
        {"methods": it.methods, "stream": portable(raw)} for raw, it in zip(recorded, STREAMS, strict=True)
    ]
    check_same(run_foreign(language, "responses", given=given))


@pytest.mark.slow
@pytest.mark.parametrize("language", ["go", "node"])
def test_frames_say_the_same(web: Web, language: str) -> None:
    """Go's and Node's HTTP/2 clients are told what the server meant."""
    given = [{"methods": it.methods, "paths": it.paths} for it in STREAMS]
    args = (str(web.port), NAME, str(web.cacert))
    check_same(run_foreign(language, "responses_http2", *args, given=given), has_reason=False)
