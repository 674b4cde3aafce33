"""One strict reading of HTTP/1.1: what an edge may write, and nothing else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
TEXT = rb"[\t\x20-\x7e\x80-\xff]*"
FIELDS = rb"((?:" + TOKEN + rb": " + TEXT + rb"\r\n)*)\r\n"
HEAD = re.compile(TOKEN + rb" (?:/[\x21\x22\x24-\x7e]*|\*) HTTP/1\.1\r\n" + FIELDS)
STATUS_HEAD = re.compile(rb"HTTP/1\.1 ([1-9][0-9]{2}) (" + TEXT + rb")\r\n" + FIELDS)
FIELD = re.compile(rb"^(" + TOKEN + rb"): (.*)\r$", re.MULTILINE)
CHUNK = re.compile(rb"(0|[1-9a-f][0-9a-f]*)\r\n")


@dataclass(frozen=True)
class Message:
    """One request of a stream."""

    head: bytes
    body: bytes
    is_chunked: bool
    is_whole: bool

    def written(self) -> bytes:
        """Return it with a body in chunks as one chunk; without its end when that is missing."""
        if not (self.is_chunked and self.is_whole):
            return self.head + self.body
        chunk = b"%x\r\n%b\r\n" % (len(self.body), self.body) if self.body else b""
        return self.head + chunk + b"0\r\n\r\n"


def messages(stream: bytes) -> list[Message]:
    """Read a stream of requests; what has more than one reading is an AssertionError."""
    found = []
    while stream:
        message, stream = _message(stream)
        found.append(message)
    return found


def _message(stream: bytes) -> tuple[Message, bytes]:
    match = HEAD.match(stream)
    assert match, f"no strict head: {stream!r}"
    head, rest = match[0], stream[match.end() :]
    fields = [(name.lower(), value) for name, value in FIELD.findall(head)]
    assert [name for name, _ in fields].count(b"host") == 1, head
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    assert (codings, len(lengths)) in [([b"chunked"], 0), ([], 0), ([], 1)], head
    if codings:
        body, is_whole, rest = _chunks(rest)
        return Message(head, body, is_chunked=True, is_whole=is_whole), rest
    assert all(re.fullmatch(rb"0|[1-9][0-9]*", length) for length in lengths), head
    length = int(lengths[0]) if lengths else 0
    body, rest = rest[:length], rest[length:]
    return Message(head, body, is_chunked=False, is_whole=len(body) == length), rest


def _chunks(rest: bytes) -> tuple[bytes, bool, bytes]:
    body = b""
    while rest:
        size = CHUNK.match(rest)
        assert size, f"no strict chunk: {rest!r}"
        count, rest = int(size[1], 16), rest[size.end() :]
        body, rest = body + rest[:count], rest[count:]
        if not rest:
            break
        assert rest.startswith(b"\r\n"), f"a chunk without end: {rest!r}"
        rest = rest[2:]
        if not count:
            return body, True, rest
    return body, False, b""


def read_responses(stream: bytes, methods: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Read the responses to requests of these methods, interim ones too, up to the stream's end."""
    for method in methods:
        status = 0
        while status < 200:
            response, stream = _response(stream, method)
            status = response["status"]
            yield response
    assert stream == b"", f"more than was asked for: {stream!r}"


def _response(stream: bytes, method: str) -> tuple[dict[str, Any], bytes]:
    match = STATUS_HEAD.match(stream)
    assert match, f"no strict head: {stream!r}"
    status, rest = int(match[1]), stream[match.end() :]
    fields = [(name.lower(), value) for name, value in FIELD.findall(match[3])]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    assert all(re.fullmatch(rb"0|[1-9][0-9]*", length) for length in lengths), match[0]
    if method == "HEAD" or status < 200 or status in {204, 304}:
        # RFC 9110 §8.6: 1xx and 204 have no Content-Length, answers to HEAD and 304 may.
        may_tell_length = status >= 200 and status != 204
        assert (codings, len(lengths)) in [([], 0), ([], int(may_tell_length))], match[0]
        body = b""
    elif codings:
        assert (codings, lengths) == ([b"chunked"], []), match[0]
        body, is_whole, rest = _chunks(rest)
        assert is_whole, match[0]
    else:
        (length,) = lengths
        body, rest = rest[: int(length)], rest[int(length) :]
        assert len(body) == int(length), match[0]
    found = {"status": status, "reason": match[2].decode("latin-1"), "body": body.decode("latin-1")}
    return {
        **found,
        "fields": [f"{name.decode()}: {value.decode('latin-1')}" for name, value in fields],
    }, rest
