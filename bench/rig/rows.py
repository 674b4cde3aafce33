"""What is measured: the rows of the table, with what the load does for each."""

from dataclasses import dataclass
from typing import Literal

MIB = 1024 * 1024
Life = Literal["kept", "closed", "held"]


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked, how often at once, and what becomes of the connections."""

    path: str
    body: int
    """The length of every answer's body."""
    connections: int
    life: Life = "kept"
    upload: int = 0
    streams: int = 0
    """Streams of HTTP/2 on each connection; none is HTTP/1.1."""
    resumes: bool = False
    most: int = 100_000_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    id: str
    title: str
    unit: str
    kind: Literal["time", "idle", "rest"]
    load: Load
    most_share: float | None = None
    """The goal: the most that port443 may have as a share of what Debian's nginx has in the same run."""
    most_value: float | None = None
    """The goal where it is a number of its own."""


SMALL, LARGE, UP = "/1k", "/1m", "/up"
UP_ANSWER = "taken"
REQUEST, HANDSHAKE = "µs a request", "µs a handshake"
MOST_HANDSHAKES = 12_000
"""Each leaves a port in TIME_WAIT for a minute, and one address has some 28,000 of them."""
ONE = Load(SMALL, 1024, connections=1)

ROWS = (
    Row("http1", "HTTP/1.1 keep-alive, 1 KiB, 32 connections", REQUEST, "time", Load(SMALL, 1024, 32), 0.68),
    Row(
        "http2",
        "HTTP/2, 8 connections of 32 streams, 1 KiB",
        REQUEST,
        "time",
        Load(SMALL, 1024, 8, streams=32),
        0.78,
    ),
    Row(
        "full",
        "full TLS 1.3 handshake + request",
        HANDSHAKE,
        "time",
        Load(SMALL, 1024, 8, "closed", most=MOST_HANDSHAKES),
        0.36,
    ),
    Row(
        "resumed",
        "resumed TLS 1.3 handshake + request",
        HANDSHAKE,
        "time",
        Load(SMALL, 1024, 8, "closed", resumes=True, most=MOST_HANDSHAKES),
        0.38,
    ),
    Row("down", "1 MiB down", REQUEST, "time", Load(LARGE, MIB, 4), 0.60),
    Row("up", "1 MiB up", REQUEST, "time", Load(UP, len(UP_ANSWER), 4, upload=MIB), 0.70),
    Row(
        "idle",
        "memory of an idle TLS connection",
        "KiB each",
        "idle",
        Load(SMALL, 1024, 2000, "held"),
        None,
        6.0,
    ),
    Row("rest", "memory at rest", "MiB", "rest", ONE, 1.0),
)


def request_head(load: Load, name: str) -> bytes:
    """Return the head of the HTTP/1.1 request that a load sends."""
    lines = [
        f"{'POST' if load.upload else 'GET'} {load.path} HTTP/1.1",
        f"Host: {name}",
        f"User-Agent: {USER_AGENT}",
        "Accept: */*",
    ]
    lines += [f"Content-Length: {load.upload}"] * bool(load.upload)
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


USER_AGENT = "port443-load"
