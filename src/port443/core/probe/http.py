"""The one HTTP request that a scan makes, and what it reads of the answer."""

from dataclasses import dataclass

from port443.core.names import SiteName
from port443.core.wire.reading import Malformed

MAX_HEAD = 32 * 1024
MAX_FIELDS = 200
END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """A GET of `/`, on TLS or in clear."""

    name: SiteName
    """Whom to ask for, in Host and SNI."""
    port: int
    is_tls: bool

    def encode(self) -> bytes:
        """Write the request. The name says who asks, as good manners want it."""
        host = f"[{self.name}]" if ":" in self.name.text else self.name.text
        standard = 443 if self.is_tls else 80
        port = "" if self.port == standard else f":{self.port}"
        lines = (
            "GET / HTTP/1.1",
            f"Host: {host}{port}",
            "User-Agent: port443-scan",
            "Accept: */*",
            "Connection: close",
        )
        return "\r\n".join((*lines, "", "")).encode("ascii")


@dataclass(frozen=True, slots=True)
class HTTPAnswer:
    """Status and fields of an answer; names in lower case, in their order."""

    status: int
    fields: tuple[tuple[str, str], ...]

    def field(self, name: str) -> str | None:
        """Return the first field of that name."""
        return next((value for key, value in self.fields if key == name), None)


def parse_answer(head: bytes) -> HTTPAnswer:
    """Read a response head that ends with an empty line (RFC 9112 §4, §5)."""
    first, *rest = head.removesuffix(END).split(b"\r\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/1.") or len(parts[1]) != 3 or not parts[1].isdigit():
        raise Malformed(f"the answer is no HTTP: {first[:60]!r}")
    if len(rest) > MAX_FIELDS:
        raise Malformed(f"the answer has {len(rest)} header fields")
    return HTTPAnswer(int(parts[1]), tuple(_field(line) for line in rest if line))


def _field(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    if not colon or not name:
        raise Malformed(f"a header field has no name: {line[:60]!r}")
    return name.decode("latin-1").lower(), value.strip().decode("latin-1")
