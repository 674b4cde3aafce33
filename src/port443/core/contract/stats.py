"""The edge's counters, as one typed value."""

from dataclasses import dataclass

from port443.core.contract.reasons import ChallengeKind, HandshakeFailure, Http2Cutoff, UpstreamFailure
from port443.core.contract.tls_names import CipherSuite, Group, TlsVersion


@dataclass(frozen=True, slots=True)
class Connections:
    """Accepted since the edge started, and open now."""

    accepted: int
    open: int


@dataclass(frozen=True, slots=True)
class HandshakeCount:
    """Completed handshakes of one kind."""

    version: TlsVersion
    suite: CipherSuite
    group: Group | None
    """None when TLS 1.2 resumed a session: nothing was exchanged."""
    resumed: bool
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values lie up to each bound; `counts` has one more, for those above the last."""

    bounds: tuple[int, ...]
    counts: tuple[int, ...]
    sum: int
    count: int


@dataclass(frozen=True, slots=True)
class RequestCount:
    """Answered requests of one site and status class (`2xx`)."""

    site: str
    status_class: str
    count: int


@dataclass(frozen=True, slots=True)
class ByteCount:
    """Bytes from and to clients."""

    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class UpstreamCounts:
    """Connections to upstream servers, and failures by reason."""

    connections_open: int
    failures: dict[UpstreamFailure, int]


@dataclass(frozen=True, slots=True)
class Memory:
    """The resources of the edge's process."""

    resident_bytes: int
    buffered_bytes: int
    """Of messages on their way, in the workers' buffers; as of when each worker last waited."""


@dataclass(frozen=True, slots=True)
class EventCounts:
    """The last event's number, and how many were lost before they got one."""

    last: int
    dropped: int


@dataclass(frozen=True, slots=True)
class EdgeStats:
    """All counters of one edge since its boot."""

    boot: str
    uptime_ms: int
    workers: int
    connections: Connections
    handshakes: tuple[HandshakeCount, ...]
    handshake_failures: dict[HandshakeFailure, int]
    handshake_duration_us: Histogram
    acme_challenges: dict[ChallengeKind, int]
    """How often one was answered, by its kind."""
    requests: tuple[RequestCount, ...]
    http2_cutoffs: dict[Http2Cutoff, int]
    bytes: ByteCount
    upstream: UpstreamCounts
    memory: Memory
    events: EventCounts
