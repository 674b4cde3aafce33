"""The HTTP request of a scan, and the parser of its answer."""

import re
import zlib
from dataclasses import dataclass, field, replace

from port443.core.names import SiteName
from port443.core.wire.reading import Malformed

MAX_HEAD = 32 * 1024
"""Of all heads of one response: the final one, and the interim ones before it."""
MAX_FIELDS = 200
MAX_BODY = 256 * 1024
HEX = frozenset(b"0123456789abcdefABCDEF")
MAX_INTERIM = 16
END = re.compile(rb"\r?\n\r?\n")
"""An empty line; a bare LF ends a line too (RFC 9112 §2.2)."""
FOLD = re.compile(rb"\r?\n[ \t]+")
"""A field that continues on the next line, which counts as a space (RFC 9112 §5.2)."""
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
    """The name for Host and SNI."""
    port: int
    is_tls: bool
    path: str = "/"
    method: str = "GET"
    origin: str | None = None
    """In whose name a script of another site would ask (RFC 6454 §7)."""
    wants_body: bool = False
    """Whether the answer's body is read too, if it is HTML."""
    takes: int | None = None
    """So many bytes of a body of any type are read; None: of HTML only, and not so many."""

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

    @property
    def url(self) -> str:
        standard = 443 if self.is_tls else 80
        port = "" if self.port == standard else f":{self.port}"
        return f"{'https' if self.is_tls else 'http'}://{self._host}{port}{self.path}"

    @property
    def _host(self) -> str:
        return f"[{self.name}]" if ":" in self.name.text else self.name.text

    def follow_anywhere(self, answer: "HTTPAnswer", ports: tuple[int, int]) -> "HTTPRequest | None":
        """Return the request that a redirect on the host leads to, on https or in clear, at these ports."""
        location = answer.field("location") or ""
        absolute = ABSOLUTE.fullmatch(location)
        if answer.status not in REDIRECTS or absolute is None:
            return replace(self, path="").follow(answer)  # also back to where it came from
        is_tls = absolute[1].lower() == "https"
        standard = 443 if is_tls else 80
        port = int((absolute[3] or "")[1:6] or standard)
        wanted = ports[0] if is_tls else ports[1]
        there = replace(self, is_tls=is_tls, port=wanted, path="")
        # What is at the standard port for browsers may be at another one for a scan.
        moved = (
            absolute[0] if port != standard else f"{absolute[1]}://{absolute[2]}:{wanted}{absolute[4] or ''}"
        )
        fields = (("location", moved),)
        return there.follow(replace(answer, fields=fields)) if port in {standard, wanted} else None

    def encode(self) -> bytes:
        """Write the request. The name says who asks, as good manners want it."""
        standard = 443 if self.is_tls else 80
        port = "" if self.port == standard else f":{self.port}"
        lines = (
            f"{self.method} {self.path} HTTP/1.1",
            f"Host: {self._host}{port}",
            "User-Agent: port443-scan",
            "Accept: */*",
            "Connection: close",
            *(("Accept-Encoding: gzip",) if self.wants_body else ()),
            *(() if self.origin is None else (f"Origin: {self.origin}",)),
            *(() if self.method == "GET" else ("Content-Length: 0",)),
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """Status and fields of an answer; names in lower case, in their order."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes = field(default=b"", repr=False)
    """The beginning of its HTML, where that was asked for."""

    @property
    def is_html(self) -> bool:
        return (self.field("content-type") or "").strip().lower().startswith("text/html")

    def is_whole(self, octets: bytes, most: int | None = None) -> bool:
        """Whether so many bytes of a body are all that there is, or all that is read of one."""
        length = self.field("content-length") or ""
        is_end = octets.endswith(b"0\r\n\r\n") and self.field("transfer-encoding") is not None
        return is_end or len(octets) >= min(
            most or MAX_BODY, int(length[:9]) if length.isdecimal() else most or MAX_BODY
        )

    def with_body(self, octets: bytes, most: int | None = None) -> "HTTPAnswer":
        """Return the answer with what stands behind its head, out of its chunks and unpacked."""
        plain = _unchunked(octets) if self.field("transfer-encoding") is not None else octets
        if (self.field("content-encoding") or "").strip().lower() == "gzip":
            plain = _unpacked(plain)
        return replace(self, body=plain[: most or MAX_BODY])

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

    def add(self, octets: bytes) -> None:
        """Take what came behind the final answer's head."""
        self._pending += octets

    @property
    def rest(self) -> bytes:
        """What stands behind the final answer's head."""
        return self._pending[self._at :]

    def receive(self, octets: bytes) -> HTTPAnswer | None:
        """Take received bytes; return the final answer once its head is complete.

        Raises `Malformed` for anything but HTTP/1, more than `MAX_HEAD` bytes or `MAX_INTERIM` interim
        answers before it, and a 101 without a request for it.
        """
        self._pending += octets
        while end := END.search(self._pending, self._at):
            answer = parse_head(self._pending[self._at : end.start()])
            self._at = end.end()
            if answer.status == SWITCHING_PROTOCOLS:
                raise Malformed("the server switches to another protocol (101) without a request for it")
            if not answer.is_interim:
                return answer
            self._interim += 1
            if self._interim > MAX_INTERIM:
                raise Malformed(f"more than {MAX_INTERIM} interim answers (1xx) came before the final one")
        if len(self._pending) > MAX_HEAD:
            raise Malformed(f"no final answer came within {MAX_HEAD} bytes")
        return None


def _unchunked(octets: bytes) -> bytes:
    """Join chunks (RFC 9112 §7.1) as far as they are whole."""
    out = b""
    while (at := octets.find(b"\r\n")) > 0:
        size = octets[:at].partition(b";")[0].strip()
        if not size or len(size) > 8 or not all(digit in HEX for digit in size):
            break
        out += octets[at + 2 : at + 2 + int(size, 16)]
        octets = octets[at + 4 + int(size, 16) :]
    return out


def _unpacked(octets: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        return inflater.decompress(octets, MAX_BODY)
    except zlib.error:
        return b""


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
