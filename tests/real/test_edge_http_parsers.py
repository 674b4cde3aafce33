"""What the edge writes to a server reads the same to other people's parsers: Python's, Go's and Node's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from foreign_parsers import PythonServer, portable, run_foreign
from http2_frames import END_STREAM, HEADERS, http2, status_of
from odd_http import by_name
from odd_requests import Http1Requests, Http2Requests, Meaning
from strict_http import messages
from upstreams import Received, Upstream, Visit, plain_response, running_upstream
from web import Web, read_answer, running_web

SEEDS = (443, 80, 8443, 9113)
COUNT = 200
"""Requests of one stream."""
BATCH = 20
OURS = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
FRAMING = ("content-length", "transfer-encoding")


@dataclass(frozen=True)
class Stream:
    """What was meant by requests, and what the server received."""

    name: str
    meant: list[Meaning]
    written: bytes


def answer(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(b""))


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> list[Stream]:
    """Send requests of both versions through the real edge."""
    with (
        running_upstream(answer, is_recorded=True) as upstream,
        running_web(tmp_path_factory.mktemp("web"), upstream.server) as web,
    ):
        return list(record(web, upstream))


def record(web: Web, upstream: Upstream) -> Iterator[Stream]:
    for seed in SEEDS:
        for version, send in (("HTTP/1.1", send_http1), ("HTTP/2", send_http2)):
            begin = len(upstream.pieces)
            meant = send(web, seed)
            written = b"".join(piece for _, piece in upstream.pieces[begin:])
            yield Stream(f"{version}, seed {seed}", meant, written)


def send_http1(web: Web, seed: int) -> list[Meaning]:
    """Send requests behind one another, some on each connection."""
    source = Http1Requests(seed)
    requests = [source.request() for _ in range(COUNT)]
    for at in range(0, COUNT, BATCH):
        with web.connected() as tls:
            tls.sendall(b"".join(raw for raw, _ in requests[at : at + BATCH]))
            assert [read_answer(tls).status for _ in range(BATCH)] == [200] * BATCH
    return [meaning for _, meaning in requests]


def send_http2(web: Web, seed: int) -> list[Meaning]:
    """Send requests one after the other, so that the server gets them in that order."""
    source = Http2Requests(seed)
    requests = [source.request() for _ in range(COUNT)]
    with http2(web) as client:
        for number, (request, _) in enumerate(requests):
            stream = 2 * number + 1
            client.send(request.frames(stream))
            head = client.wait(HEADERS, stream)
            assert (status_of(head.payload), head.flags & END_STREAM) == (200, END_STREAM), request
    return [meaning for _, meaning in requests]


def check_same(streams: list[Stream], found: list[list[dict[str, Any]]]) -> None:
    """Compare what a parser read with what was meant."""
    for stream, read in zip(streams, found, strict=True):
        assert stream.meant == [meaning(one) for one in read], stream.name


def meaning(one: dict[str, Any]) -> Meaning:
    """Return what a parser said, without the fields that the edge adds to each request."""
    dropped = {*OURS, *FRAMING, "host"}
    fields = [line.split(": ", 1) for line in one["fields"]]
    kept = by_name((name, value) for name, value in fields if name not in dropped)
    return Meaning(one["method"], one["target"], one["host"], kept, one["body"])


def test_what_the_edge_writes_is_strict(streams: list[Stream]) -> None:
    """A stream of its requests has one reading, and every message in it is whole."""
    for stream in streams:
        found = messages(stream.written)
        assert all(message.is_whole for message in found), stream.name
        assert [message.body.decode("latin-1") for message in found] == [it.body for it in stream.meant]


def test_python_reads_the_same(streams: list[Stream]) -> None:
    """Python's server reads from the streams what was meant."""
    check_same(streams, [list(PythonServer(stream.written).read()) for stream in streams])


@pytest.mark.slow
@pytest.mark.parametrize("language", ["go", "node"])
def test_other_languages_read_the_same(streams: list[Stream], language: str) -> None:
    """Go's and Node's servers read from the streams what was meant."""
    given = [portable(stream.written) for stream in streams]
    check_same(streams, run_foreign(language, "requests", given=given))
