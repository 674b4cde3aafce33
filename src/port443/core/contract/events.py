"""The edge's events: a closed set of past-tense events and of reasons, from which the schema is made."""

from dataclasses import dataclass
from typing import Annotated, Any

from port443.core.contract.reasons import (
    ChallengeKind,
    HandshakeFailure,
    Http2Cutoff,
    QuarantineCode,
    RequestRefusal,
    TlsFailure,
    UpstreamFailure,
)
from port443.core.contract.rules import PeerAddress
from port443.core.contract.shape import DocumentInvalid, read_shape
from port443.core.contract.snapshot import Hash
from port443.core.contract.tls_names import Alpn, CipherSuite, Group, TlsVersion

Peer = Annotated[str, PeerAddress()]
"""Address and port of a client."""


@dataclass(frozen=True, slots=True)
class EdgeStarted:
    """The edge has started; its numbers start again."""


@dataclass(frozen=True, slots=True)
class SnapshotApplied:
    """Another snapshot runs."""

    root: Hash


@dataclass(frozen=True, slots=True)
class SiteWasQuarantined:
    """A site of the snapshot could not be taken over."""

    site: str
    code: QuarantineCode
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class ListenerOpened:
    """Connections are accepted on a listener."""

    listener: str


@dataclass(frozen=True, slots=True)
class ListenerClosed:
    """A listener left the snapshot, or the edge drains."""

    listener: str


@dataclass(frozen=True, slots=True)
class HandshakeCompleted:
    """A handshake completed; a sample, the counters hold all of them."""

    listener: str
    peer: Peer
    site: str
    server_name: str | None
    version: TlsVersion
    suite: CipherSuite
    group: Group | None
    """None when TLS 1.2 resumed a session: nothing was exchanged."""
    alpn: Alpn | None
    resumed: bool
    duration_us: int


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """A handshake did not complete."""

    listener: str
    peer: Peer
    server_name: str | None
    reason: HandshakeFailure
    detail: str
    """A description of the failure."""
    alert: str | None
    """The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in `detail`."""


@dataclass(frozen=True, slots=True)
class AcmeChallengeAnswered:
    """An ACME server, or somebody who knows a pending challenge, was given its answer."""

    kind: ChallengeKind
    site: str
    listener: str
    peer: Peer


@dataclass(frozen=True, slots=True)
class TlsFailed:
    """TLS failed on a connection whose handshake had completed, by its client's fault or alert."""

    site: str
    peer: Peer
    reason: TlsFailure
    detail: str
    """A description of the failure."""
    alert: str | None
    """The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in `detail`."""


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A request was answered by the edge itself, since it was wrong or for another site."""

    site: str
    peer: Peer
    reason: RequestRefusal
    status: int


@dataclass(frozen=True, slots=True)
class Http2CutOff:
    """An HTTP/2 connection was ended by the edge, since its client broke or strained the protocol."""

    site: str
    peer: Peer
    reason: Http2Cutoff


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    """A request got no whole answer from its upstream server."""

    site: str
    pool: str
    server: str
    reason: UpstreamFailure
    status: int
    """The status sent to the client; 0 when its response was already under way."""


@dataclass(frozen=True, slots=True)
class UpstreamWentDown:
    """An upstream server stopped answering."""

    pool: str
    server: str
    reason: UpstreamFailure


@dataclass(frozen=True, slots=True)
class UpstreamCameBack:
    """An upstream server answers again."""

    pool: str
    server: str


@dataclass(frozen=True, slots=True)
class DrainStarted:
    """Listeners are closed; open connections are being ended politely."""


@dataclass(frozen=True, slots=True)
class DrainEnded:
    """The last connection ended, or the time for draining has passed."""


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """Events were dropped for this reader, which was too slow or started too late."""

    count: int


@dataclass(frozen=True, slots=True)
class EventsSuppressed:
    """Events of one kind exceeded their rate, and were only counted."""

    event: str
    """The name of those events."""
    reason: str
    count: int


EventBody = (
    EdgeStarted
    | SnapshotApplied
    | SiteWasQuarantined
    | ListenerOpened
    | ListenerClosed
    | HandshakeCompleted
    | HandshakeFailed
    | AcmeChallengeAnswered
    | TlsFailed
    | RequestRefused
    | Http2CutOff
    | UpstreamFailed
    | UpstreamWentDown
    | UpstreamCameBack
    | DrainStarted
    | DrainEnded
    | EventsDropped
    | EventsSuppressed
)

EVENTS: dict[str, type[EventBody]] = {
    "edge_started": EdgeStarted,
    "snapshot_applied": SnapshotApplied,
    "site_quarantined": SiteWasQuarantined,
    "listener_opened": ListenerOpened,
    "listener_closed": ListenerClosed,
    "handshake_completed": HandshakeCompleted,
    "handshake_failed": HandshakeFailed,
    "acme_challenge_answered": AcmeChallengeAnswered,
    "tls_failed": TlsFailed,
    "request_refused": RequestRefused,
    "http2_cut_off": Http2CutOff,
    "upstream_failed": UpstreamFailed,
    "upstream_went_down": UpstreamWentDown,
    "upstream_came_back": UpstreamCameBack,
    "drain_started": DrainStarted,
    "drain_ended": DrainEnded,
    "events_dropped": EventsDropped,
    "events_suppressed": EventsSuppressed,
}
"""Every event's name in the contract."""

LIMITED: dict[type[EventBody], str] = {
    HandshakeFailed: "reason",
    AcmeChallengeAnswered: "kind",
    TlsFailed: "reason",
    RequestRefused: "reason",
    Http2CutOff: "reason",
    UpstreamFailed: "reason",
}
"""Events that clients can cause any number of: beyond a rate they are counted, by name and by this field."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one boot of the edge."""

    number: int
    """Increases within a boot; 0 when the event is for one slow reader alone."""
    boot: str
    at_ms: int
    """Milliseconds since 1970."""
    body: EventBody

    @property
    def name(self) -> str:
        """The event's name in the contract."""
        return next(name for name, shape in EVENTS.items() if isinstance(self.body, shape))


def event_of(value: Any) -> Event:
    """Read one event as the edge sends it: number, boot and time beside the fields of its name."""
    if not isinstance(value, dict):
        raise DocumentInvalid("", "must be an object")
    name = value.get("name")
    if not isinstance(name, str) or name not in EVENTS:
        raise DocumentInvalid("name", f"must be one of {', '.join(EVENTS)}")
    frame = read_shape(_Frame, value, loose=True)
    return Event(frame.number, frame.boot, frame.at_ms, read_shape(EVENTS[name], value, loose=True))


@dataclass(frozen=True, slots=True)
class _Frame:
    number: int
    boot: str
    at_ms: int
