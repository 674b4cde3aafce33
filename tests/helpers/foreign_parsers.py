"""Other people's parsers of HTTP/1.1: Python's, Go's and Node's, on streams of bytes that were recorded."""

import base64
import http.client
import http.server
import io
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

CLIENTS = Path(__file__).parent / "clients"
FOREIGN_TIMEOUT_S = 220
"""Go compiles its own library once, before anything is cached."""
Found = dict[str, Any]
"""A message as a parser read it."""


def run_foreign(language: str, program: str, *args: str, given: Any = None) -> Any:
    """Run a program of `clients` in Go or Node, and return what it says; both ways in JSON."""
    start = {
        "go": ("/usr/local/go/bin/go", ["run", str(CLIENTS / f"{program}.go"), str(CLIENTS / "text.go")]),
        "node": ("/usr/bin/node", [str(CLIENTS / f"{program}.mjs")]),
    }
    found_at, command = start[language]
    path = shutil.which(language) or shutil.which(found_at)
    if path is None:
        pytest.skip(f"{language} is not installed")
    done = subprocess.run(
        [path, *command, *args],
        input=json.dumps(given).encode(),
        capture_output=True,
        check=False,
        timeout=FOREIGN_TIMEOUT_S,
        env={**os.environ, "GO111MODULE": "off"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def portable(stream: bytes) -> str:
    """Write bytes so that JSON can hold them."""
    return base64.b64encode(stream).decode()


class PythonServer(http.server.BaseHTTPRequestHandler):
    """Python's reading of requests, without a socket."""

    def __init__(self, stream: bytes) -> None:
        self.rfile = io.BufferedReader(io.BytesIO(stream))
        self.refusal = io.BytesIO()
        self.wfile = self.refusal
        self.client_address = ("127.0.0.1", 0)

    def read(self) -> Iterator[Found]:
        """Read requests up to the end."""
        while raw := self.rfile.readline():
            self.raw_requestline = raw
            assert self.parse_request(), self.refusal.getvalue()
            yield {
                "method": self.command,
                "target": self.requestline.split(" ")[1],
                "host": self.headers["Host"],
                "fields": lines(self.headers.items()),
                "body": self.body().decode("latin-1"),
            }

    def body(self) -> bytes:
        if self.headers["Transfer-Encoding"] is None:
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            assert self.rfile.readline() == b"\r\n"
        assert self.rfile.readline() == b"\r\n"
        return body


class _Recorded(io.BytesIO):
    """A stream in place of a socket, which stays open from one response to the next."""

    def makefile(self, _mode: str) -> "_Recorded":
        return self

    def close(self) -> None:
        """Stay open."""


def read_by_python(stream: bytes, methods: Iterable[str]) -> Iterator[Found]:
    """Read the responses to requests of these methods, interim ones too, with Python's client."""
    recorded = _Recorded(stream)
    for method in methods:
        status = 0
        while status < 200:
            # All that it wants of a socket is a file to read from.
            response = http.client.HTTPResponse(cast("socket.socket", recorded), method=method)
            response.begin()
            status, body = response.status, response.read().decode("latin-1")
            fields = lines(response.headers.items())
            yield {"status": status, "reason": response.reason, "fields": fields, "body": body}
    assert recorded.read() == b""


def lines(fields: Iterable[tuple[str, str]]) -> list[str]:
    return [f"{name.lower()}: {value}" for name, value in fields]
