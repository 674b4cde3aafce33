"""Other people's HTTP clients on the real edge: Go's and Node's."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from upstreams import Received, Upstream, Visit, running_upstream
from waiting import HANG_S
from web import NAME, Web, running_web

CLIENTS = Path(__file__).parents[1] / "helpers" / "clients"
COUNT = 40
"""Requests at once: more than one frame's worth of each kind."""
BYTES = 200_000
"""Body of each: longer than every window that a client begins with."""


def echo(visit: Visit, request: Received) -> None:
    """Send the request's body back, in chunks."""
    visit.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in visit.pieces(request):
        visit.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    visit.send(b"0\r\n\r\n")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream(echo) as upstream:
        yield upstream


@pytest.fixture
def web(tmp_path: Path, upstream: Upstream) -> Iterator[Web]:
    with running_web(tmp_path, upstream.server) as web:
        yield web


def expected() -> list[str]:
    return [hashlib.sha256(bytes([number]) * BYTES).hexdigest() for number in range(COUNT)]


def program(name: str, found_at: str) -> str:
    """Return where a program is, or skip the test."""
    path = shutil.which(name) or shutil.which(found_at)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


# Go compiles its own library once, before anything is cached.
@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.1", "2"])
def test_go_exchanges_bodies(web: Web, version: str) -> None:
    """Many requests at once, echoed while they are still being sent, come back whole."""
    go = program("go", "/usr/local/go/bin/go")
    environment = {**os.environ, "GO111MODULE": "off"}
    arguments = (str(web.port), NAME, str(web.cacert), version, str(COUNT), str(BYTES))
    command = [go, "run", str(CLIENTS / "http.go"), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=220, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    assert [answer["digest"] for answer in answers] == expected()
    assert {(answer["status"], answer["version"]) for answer in answers} == {
        (200, "HTTP/2.0" if version == "2" else "HTTP/1.1")
    }


@pytest.mark.slow
def test_node_exchanges_bodies_and_is_told_goodbye(web: Web, upstream: Upstream) -> None:
    """Streams side by side come back whole, cookies arrive as one, and a drain says GOAWAY."""
    node = program("node", "/usr/bin/node")
    command = [node, str(CLIENTS / "http2.mjs"), str(web.port), NAME, str(web.cacert), str(COUNT), str(BYTES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        answers: list[dict[str, Any]] = json.loads(client.stdout.readline())
        assert [answer["digest"] for answer in answers] == expected()
        assert {request.value("cookie") for request in upstream.requests} == {
            f"a=1; b={number}" for number in range(COUNT)
        }
        assert [request for request in upstream.requests if request.values("te")] == []
        web.edge.request("drain", timeout_ms=20000)
        client.stdin.close()
        assert json.loads(client.stdout.readline()) == {"goaway": 0}
    assert (client.returncode, web.edge.process.wait(HANG_S)) == (0, 0)
