"""The one HTTP request that a scan makes, and what it reads of the answer."""

import re
from dataclasses import dataclass, replace

from port443.core.names import SiteName
from port443.core.wire.reading import Malformed

MAX_HEAD = 32 * 1024
"""Of all heads of one response: the final one, and the interim ones before it."""
MAX_FIELDS = 200
MAX_INTERIM = 16
END = re.compile(rb"\r?\n\r?\n")
"""An empty line; a bare LF ends a line too (RFC 9112 §2.2)."""
FOLD = re.compile(rb"\r?\n[ \t]+")
"""A field that goes on in the next line; a client reads it as a space (RFC 9112 §5.2)."""
SWITCHING_PROTOCOLS = 101
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""The statuses that send a client elsewhere (RFC 9110 §15.4); 300, 304, 305 and 306 do not."""
# RFC 3986 §3 as far as a redirect needs it.
HOST = r"(\[[0-9a-f:.]+\]|[^/?#:@\[\]\\]+)"
ABSOLUTE = re.compile(rf"([a-z][a-z0-9+.-]*)://(?:[^/?#@\\]*@)?{HOST}(:[0-9]*)?([/?#].*)?", re.IGNORECASE)
"""Scheme, host, port with its colon, and all that follows."""
PATH = re.compile(r"/[!-\[\]-~]*")
MAX_PATH = 1024


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A request without content, on TLS or in clear."""

    name: SiteName
    """Whom to ask for, in Host and SNI."""
    port: int
    is_tls: bool
    path: str = "/"
    method: str = "GET"

    def follow(self, answer: "HTTPAnswer") -> "HTTPRequest | None":
        """Return the request that a redirect to the same host, port and scheme leads to; else None."""
        location = answer.field("location") or ""
        if answer.status not in REDIRECTS:
            return None
        if absolute := ABSOLUTE.fullmatch(location):
            scheme, host, port, location = (part or "" for part in absolute.groups())
            standard = 443 if self.is_tls else 80
            wanted = ("https" if self.is_tls else "http", self.name.text, self.port)
            if (scheme.lower(), host.lower().strip("[]"), int(port[1:6] or standard)) != wanted:
                return None
            location = f"/{location}" if location[:1] != "/" else location
        path = location.partition("#")[0]
        # What is relative to the path, or on another host, is not followed.
        is_path = PATH.fullmatch(path) is not None and not path.startswith("//") and len(path) <= MAX_PATH
        return replace(self, path=path) if is_path and path != self.path else None

    def encode(self) -> bytes:
        """Write the request. The name says who asks, as good manners want it."""
        host = f"[{self.name}]" if ":" in self.name.text else self.name.text
        standard = 443 if self.is_tls else 80
        port = "" if self.port == standard else f":{self.port}"
        lines = (
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {host}{port}",
            "User-Agent: port443-scan",
            "Accept: */*",
            "Connection: close",
            *(() if self.method == "GET" else ("Content-Length: 0",)),
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """Status and fields of an answer; names in lower case, in their order."""

    status: int
    fields: tuple[tuple[str, str], ...]

    @property
    def is_interim(self) -> bool:
        """Whether another answer follows (RFC 9110 §15.2)."""
        return 100 <= self.status < 200

    def field(self, name: str) -> str | None:
        """Return the first field of that name."""
        return next(iter(self.values(name)), None)

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields of that name."""
        return tuple(value for key, value in self.fields if key == name)


class AnswerReader:
    """Bytes of a response in, the final answer's head out; interim answers (RFC 9110 §15.2) are skipped."""

    def __init__(self) -> None:
        self._pending = b""
        self._at = 0
        """Where the first head begins that has not been read yet."""
        self._interim = 0

    def receive(self, octets: bytes) -> HTTPAnswer | None:
        """Take what came; return the final answer once its head is whole.

        Raises `Malformed` for what is no HTTP/1, more than `MAX_HEAD` bytes or `MAX_INTERIM` interim
        answers before it, and a 101 that nobody asked for.
        """
        self._pending += octets
        while end := END.search(self._pending, self._at):
            answer = parse_head(self._pending[self._at : end.start()])
            self._at = end.end()
            if answer.status == SWITCHING_PROTOCOLS:
                raise Malformed("the server switches to another protocol (101) without being asked to")
            if not answer.is_interim:
                return answer
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise Malformed(f"more than {MAX_INTERIM} interim answers (1xx) came before the final one")
        if len(self._pending) > MAX_HEAD:
            raise Malformed(f"no final answer came within {MAX_HEAD} bytes")
        return None


def parse_head(head: bytes) -> HTTPAnswer:
    """Read a response head without its last empty line (RFC 9112 §4, §5), as browsers read it."""
    first, *rest = FOLD.sub(b" ", head).replace(b"\r\n", b"\n").split(b"\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise Malformed(f"the answer is no HTTP/1: {first[:60].decode('latin-1')}")
    if len(rest) > MAX_FIELDS:
        raise Malformed(f"the answer has {len(rest)} header fields")
    return HTTPAnswer(int(parts[1]), tuple(_field(line) for line in rest if b":" in line))


def _field(line: bytes) -> tuple[str, str]:
    name, _, value = line.partition(b":")
    return name.decode("latin-1").strip(" \t").lower(), value.decode("latin-1").strip(" \t")
