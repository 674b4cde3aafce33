"""What the edge writes reads the same to other people's parsers: Python's, Go's and Node's."""

import http.server
import io
import itertools
import json
import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from strict_http import messages
from upstreams import Received, Visit, plain_response, running_upstream
from web import NAME, Web, read_answer, running_web

CLIENTS = Path(__file__).parent / "clients"
COUNT = 400
"""Requests of one stream."""
OURS = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
FRAMING = ("content-length", "transfer-encoding")
SEED = 443
PATH_PIECES = ("a", "%2f", "%00", "/", "..", "//", "~!$&'()*+,;=:@", "?", "[]", "|", '"')


@dataclass(frozen=True)
class Meaning:
    """What a request says, whoever reads it."""

    method: str
    target: str
    host: str
    fields: tuple[str, ...]
    body: str


class Source:
    """Writes requests that are legal and as odd as that allows, and knows what they mean."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same requests each time
        self.numbers = itertools.count()

    def request(self) -> tuple[bytes, Meaning]:
        dice = self.dice
        method = dice.choice(["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "REPORT"])
        path = "/" + "".join(dice.choices(PATH_PIECES, k=dice.randrange(12)))
        target = f"http://{NAME}{path}" if dice.random() < 0.2 else path
        body = self.text("\r\n0a: GETHTTP/1.\x00\xff", 30) if method in {"POST", "PUT", "PATCH"} else ""
        kept = [self.field() for _ in range(dice.randrange(6))]
        lines = [self.spell(*field) for field in kept] + self.hop_by_hop()
        framing, payload = self.framed(body)
        lines += [*framing, f"hOsT:\t{NAME} "]
        dice.shuffle(lines)
        head = "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""])
        fields = tuple(sorted(f"{name.lower()}: {value}" for name, value in kept))
        return (head + payload).encode("latin-1"), Meaning(method, path, NAME, fields, body)

    def text(self, alphabet: str, most: int) -> str:
        return "".join(self.dice.choices(alphabet, k=self.dice.randrange(most)))

    def field(self) -> tuple[str, str]:
        # Fields may be read in another order when their names differ, so each has its own.
        name = f"X-{next(self.numbers)}" + self.text("!#$&'*+.^`|~aZ-", 5)
        return name, self.text('ab \t,;:="\\(){}<>@?/\x85\xa0\xe9', 20).strip(" \t")

    def spell(self, name: str, value: str) -> str:
        around = self.dice.choice(["", " ", "\t", "  \t"])
        return f"{name}:{around}{value}{around}"

    def hop_by_hop(self) -> list[str]:
        lines = ["Connection: X-Secret, keep-alive", "X-Secret: 1", "TE: trailers", "Keep-Alive: 9"]
        return lines if self.dice.random() < 0.3 else []

    def framed(self, body: str) -> tuple[list[str], str]:
        if not body:
            return [], ""
        if self.dice.random() < 0.5:
            return [f"Content-Length: {len(body):0{self.dice.randrange(1, 9)}}"], body
        cut = self.dice.randrange(len(body))
        pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
        chunks = [f"{len(piece):0{self.dice.randrange(1, 9)}X};a=b\r\n{piece}\r\n" for piece in pieces]
        return ["Transfer-Encoding: Chunked"], "".join(chunks) + "0\r\nX-Trailer: 1\r\n\r\n"


def answer(visit: Visit, request: Received) -> None:
    visit.body(request)
    visit.send(plain_response(b""))


@pytest.fixture(scope="module")
def sent_and_written(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Meaning], bytes]:
    """Send requests through the real edge, and give what they mean and what the server received."""
    source = Source(SEED)
    requests = [source.request() for _ in range(COUNT)]
    with (
        running_upstream(answer, is_recorded=True) as upstream,
        running_web(tmp_path_factory.mktemp("web"), upstream.server) as web,
    ):
        for batch in batches(requests, 20):
            ask(web, b"".join(raw for raw, _ in batch), len(batch))
    return [meaning for _, meaning in requests], b"".join(piece for _, piece in upstream.pieces)


def batches(requests: list[tuple[bytes, Meaning]], size: int) -> Iterator[list[tuple[bytes, Meaning]]]:
    return (requests[at : at + size] for at in range(0, len(requests), size))


def ask(web: Web, raw: bytes, count: int) -> None:
    """Send requests behind one another on one connection."""
    with web.connected() as tls:
        tls.sendall(raw)
        assert [read_answer(tls).status for _ in range(count)] == [200] * count


def meanings(found: list[dict[str, Any]]) -> list[Meaning]:
    """What a parser said, without the fields that the edge adds to each request."""
    return [
        Meaning(one["method"], one["target"], one["host"], end_to_end(one["fields"]), one["body"])
        for one in found
    ]


def end_to_end(fields: list[str]) -> tuple[str, ...]:
    dropped = {*OURS, *FRAMING, "host"}
    return tuple(sorted(field for field in fields if field.partition(":")[0] not in dropped))


def test_what_the_edge_writes_is_strict(sent_and_written: tuple[list[Meaning], bytes]) -> None:
    """A stream of its requests has one reading, and every message in it is whole."""
    expected, written = sent_and_written
    found = messages(written)
    assert all(message.is_whole for message in found)
    assert [message.body.decode("latin-1") for message in found] == [one.body for one in expected]


def test_python_reads_the_same(sent_and_written: tuple[list[Meaning], bytes]) -> None:
    """Python's server reads from the stream what was meant."""
    expected, written = sent_and_written
    assert expected == meanings(list(read_by_python(written)))


class PythonReader(http.server.BaseHTTPRequestHandler):
    """Python's parser on a stream of bytes, without a socket."""

    def __init__(self, stream: io.BytesIO) -> None:
        self.rfile = io.BufferedReader(stream)
        self.refusal = io.BytesIO()
        self.wfile = self.refusal
        self.client_address = ("127.0.0.1", 0)

    def read(self) -> dict[str, Any] | None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline:
            return None
        assert self.parse_request(), self.refusal.getvalue()
        fields = [f"{name.lower()}: {value}" for name, value in self.headers.items()]
        target = self.requestline.split(" ")[1]
        host, body = self.headers["Host"], self.body().decode("latin-1")
        return {"method": self.command, "target": target, "host": host, "fields": fields, "body": body}

    def body(self) -> bytes:
        if self.headers["Transfer-Encoding"] is None:
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            assert self.rfile.readline() == b"\r\n"
        assert self.rfile.readline() == b"\r\n"
        return body


def read_by_python(written: bytes) -> Iterator[dict[str, Any]]:
    reader = PythonReader(io.BytesIO(written))
    while (found := reader.read()) is not None:
        yield found


# Go compiles its own library once, before anything is cached.
@pytest.mark.timeout(240)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("program", "found_at", "command"),
    [
        ("go", "/usr/local/go/bin/go", ["run", str(CLIENTS / "requests.go")]),
        ("node", "/usr/bin/node", [str(CLIENTS / "requests.mjs")]),
    ],
    ids=["go", "node"],
)
def test_other_languages_read_the_same(
    sent_and_written: tuple[list[Meaning], bytes], program: str, found_at: str, command: list[str]
) -> None:
    """Go's and Node's servers read from the stream what was meant."""
    path = shutil.which(program) or shutil.which(found_at)
    if path is None:
        pytest.skip(f"{program} is not installed")
    expected, written = sent_and_written
    environment = {**os.environ, "GO111MODULE": "off"}
    done = subprocess.run(
        [path, *command], input=written, capture_output=True, check=False, timeout=220, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    assert expected == meanings(json.loads(done.stdout))
