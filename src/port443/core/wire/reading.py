"""Take bytes apart without ever reading past their end."""

from port443.core.errors import ScanError


class Malformed(ScanError):
    """The received bytes violate their protocol.

    The peer sent bytes that are not TLS, or TLS with a wrong length, order or value. Most often another
    program listens on that port, or a device between the two changed the bytes. Look at the
    port with `openssl s_client -connect HOST:PORT` and at what is in front of the server.
    """

    code = "P443-E510"
    fault = "peer"


class NotTLS(Malformed):
    """The received bytes do not begin as a TLS record."""


class Reader:
    """A cursor over one structure; every read is bounded, every fault is `Malformed`."""

    __slots__ = ("_at", "_octets", "_what")

    def __init__(self, octets: bytes, what: str) -> None:
        self._octets = octets
        self._what = what
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._octets) - self._at

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        if count > self.left:
            raise Malformed(f"{self._what} ends {count - self.left} bytes early")
        self._at += count
        return self._octets[self._at - count : self._at]

    def number(self, size: int) -> int:
        """Return the next big-endian number of `size` bytes."""
        return int.from_bytes(self.take(size))

    def vector(self, size: int, least: int = 0) -> bytes:
        """Return a vector whose length precedes it in `size` bytes (RFC 8446 §3.4)."""
        content = self.take(self.number(size))
        if len(content) < least:
            raise Malformed(f"{self._what} has a vector of {len(content)} bytes, at least {least} are due")
        return content

    def numbers(self, size: int, each: int = 2) -> tuple[int, ...]:
        """Return a vector of numbers of `each` bytes."""
        content = self.vector(size)
        if len(content) % each:
            raise Malformed(f"{self._what} has a list of half numbers")
        return tuple(int.from_bytes(content[at : at + each]) for at in range(0, len(content), each))

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(self.left)

    def end(self) -> None:
        """Refuse trailing bytes."""
        if self.left:
            raise Malformed(f"{self._what} has {self.left} bytes too many")


def vector(size: int, content: bytes) -> bytes:
    """Write `content` with its length before it in `size` bytes."""
    return len(content).to_bytes(size) + content


def numbers(size: int, values: tuple[int, ...], each: int = 2) -> bytes:
    """Write a vector of numbers of `each` bytes."""
    return vector(size, b"".join(value.to_bytes(each) for value in values))
