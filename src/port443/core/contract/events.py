"""What the edge tells: a closed set of past-tense events and of reasons, from which the schema is made."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from port443.core.contract.receipt import QuarantineCode
from port443.core.contract.shape import DocumentInvalid, read_shape
from port443.core.contract.snapshot import Hash


class HandshakeFailure(StrEnum):
    """Why a handshake did not complete."""

    NOT_TLS = "not_tls"
    PLAIN_HTTP = "plain_http"
    HELLO_MALFORMED = "hello_malformed"
    HELLO_TOO_LARGE = "hello_too_large"
    NO_SHARED_VERSION = "no_shared_version"
    NO_SHARED_SUITE = "no_shared_suite"
    NO_SHARED_GROUP = "no_shared_group"
    NO_SHARED_SIGNATURE_SCHEME = "no_shared_signature_scheme"
    NO_SHARED_ALPN = "no_shared_alpn"
    NO_SERVER_NAME = "no_server_name"
    UNKNOWN_SERVER_NAME = "unknown_server_name"
    SITE_QUARANTINED = "site_quarantined"
    CLIENT_REJECTED_CERTIFICATE = "client_rejected_certificate"
    CLIENT_CERTIFICATE_MISSING = "client_certificate_missing"
    CLIENT_CERTIFICATE_INVALID = "client_certificate_invalid"
    PROTOCOL_VIOLATION = "protocol_violation"
    REPLAYED_EARLY_DATA = "replayed_early_data"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    CLIENT_CLOSED = "client_closed"
    INTERNAL = "internal"


class TlsFailure(StrEnum):
    """Why TLS failed on a connection whose handshake had completed."""

    RECORD_UNDECRYPTABLE = "record_undecryptable"
    RECORD_MALFORMED = "record_malformed"
    MESSAGE_FORBIDDEN = "message_forbidden"
    MESSAGE_FLOOD = "message_flood"
    CLIENT_ALERTED = "client_alerted"
    TLS_INTERNAL = "tls_internal"


class Http2Cutoff(StrEnum):
    """Why the edge ended an HTTP/2 connection."""

    COMPRESSION_MALFORMED = "compression_malformed"
    CONTINUATION_FLOOD = "continuation_flood"
    EMPTY_DATA_FLOOD = "empty_data_flood"
    FLOW_CONTROL_VIOLATED = "flow_control_violated"
    FRAME_SIZE_WRONG = "frame_size_wrong"
    HEADER_BOMB = "header_bomb"
    HEADER_TIMEOUT = "header_timeout"
    PING_FLOOD = "ping_flood"
    PRIORITY_FLOOD = "priority_flood"
    PROTOCOL_VIOLATED = "protocol_violated"
    RAPID_RESET = "rapid_reset"
    SETTINGS_FLOOD = "settings_flood"
    STREAM_CLOSED = "stream_closed"
    TOO_MANY_STREAMS = "too_many_streams"
    WINDOW_STALLED = "window_stalled"
    WINDOW_UPDATE_FLOOD = "window_update_flood"


class RequestRefusal(StrEnum):
    """Why a request was not passed on."""

    BARE_CR = "bare_cr"
    BARE_LF = "bare_lf"
    BODY_MALFORMED = "body_malformed"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TIMEOUT = "body_timeout"
    CONNECTION_FIELD_FORBIDDEN = "connection_field_forbidden"
    EXPECTATION_UNSUPPORTED = "expectation_unsupported"
    FIELD_NAME_MALFORMED = "field_name_malformed"
    FIELD_VALUE_MALFORMED = "field_value_malformed"
    FIELDS_TOO_LARGE = "fields_too_large"
    HEADER_TIMEOUT = "header_timeout"
    HOST_DIFFERS = "host_differs"
    HOST_MALFORMED = "host_malformed"
    HOST_MISSING = "host_missing"
    HOST_REPEATED = "host_repeated"
    LENGTH_MALFORMED = "length_malformed"
    LENGTH_REPEATED = "length_repeated"
    LENGTH_WITH_TRANSFER_ENCODING = "length_with_transfer_encoding"
    LINE_FOLDED = "line_folded"
    METHOD_MALFORMED = "method_malformed"
    METHOD_UNSUPPORTED = "method_unsupported"
    MISDIRECTED = "misdirected"
    PSEUDO_FIELD_MALFORMED = "pseudo_field_malformed"
    REQUEST_LINE_MALFORMED = "request_line_malformed"
    REQUEST_TIMEOUT = "request_timeout"
    SPACE_BEFORE_COLON = "space_before_colon"
    TARGET_MALFORMED = "target_malformed"
    TARGET_TOO_LONG = "target_too_long"
    TRANSFER_CODING_UNSUPPORTED = "transfer_coding_unsupported"
    TRANSFER_ENCODING_MALFORMED = "transfer_encoding_malformed"
    VERSION_UNSUPPORTED = "version_unsupported"


class UpstreamFailure(StrEnum):
    """Why an upstream server did not answer a request."""

    CONNECT_REFUSED = "connect_refused"
    CONNECT_FAILED = "connect_failed"
    NO_ADDRESS = "no_address"
    CONNECT_TIMEOUT = "connect_timeout"
    RESPONSE_TIMEOUT = "response_timeout"
    CLOSED_EARLY = "closed_early"
    RESPONSE_MALFORMED = "response_malformed"
    RESPONSE_TOO_LARGE = "response_too_large"
    BODY_TIMEOUT = "body_timeout"
    NO_SERVER = "no_server"
    POOL_FULL = "pool_full"


@dataclass(frozen=True, slots=True)
class EdgeStarted:
    """The edge came up; its numbers start anew."""


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
    peer: str
    """Address and port of the client."""
    site: str
    server_name: str | None
    version: str
    suite: str
    group: str
    """Empty when TLS 1.2 resumed a session: nothing was exchanged."""
    alpn: str | None
    resumed: bool
    duration_us: int


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """A handshake did not complete."""

    listener: str
    peer: str
    server_name: str | None
    reason: HandshakeFailure
    detail: str
    """What happened, in words."""
    alert: str | None
    """The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in `detail`."""


@dataclass(frozen=True, slots=True)
class TlsFailed:
    """TLS failed on a connection whose handshake had completed, by its client's fault or alert."""

    site: str
    peer: str
    reason: TlsFailure
    detail: str
    """What happened, in words."""
    alert: str | None
    """The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in `detail`."""


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A request was answered by the edge itself, since it was wrong or for another site."""

    site: str
    peer: str
    reason: RequestRefusal
    status: int


@dataclass(frozen=True, slots=True)
class Http2CutOff:
    """An HTTP/2 connection was ended by the edge, since its client broke or strained the protocol."""

    site: str
    peer: str
    reason: Http2Cutoff


@dataclass(frozen=True, slots=True)
class UpstreamFailed:
    """A request got no whole answer from its upstream server."""

    site: str
    pool: str
    server: str
    reason: UpstreamFailure
    status: int
    """What the client was told; 0 when its response was already under way."""


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
class EarlyDataRejected:
    """0-RTT data was not accepted; reserved, not told yet."""


@dataclass(frozen=True, slots=True)
class DrainStarted:
    """Listeners are closed; open connections are being ended politely."""


@dataclass(frozen=True, slots=True)
class DrainEnded:
    """The last connection ended, or the time for draining has passed."""


@dataclass(frozen=True, slots=True)
class EventsDropped:
    """The reader was too slow, or came too late, for some events."""

    count: int


@dataclass(frozen=True, slots=True)
class EventsSuppressed:
    """So many events of one kind came at once that they were only counted."""

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
    | TlsFailed
    | RequestRefused
    | Http2CutOff
    | UpstreamFailed
    | UpstreamWentDown
    | UpstreamCameBack
    | EarlyDataRejected
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
    "tls_failed": TlsFailed,
    "request_refused": RequestRefused,
    "http2_cut_off": Http2CutOff,
    "upstream_failed": UpstreamFailed,
    "upstream_went_down": UpstreamWentDown,
    "upstream_came_back": UpstreamCameBack,
    "early_data_rejected": EarlyDataRejected,
    "drain_started": DrainStarted,
    "drain_ended": DrainEnded,
    "events_dropped": EventsDropped,
    "events_suppressed": EventsSuppressed,
}
"""Every event's name in the contract."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one boot of the edge."""

    number: int
    """Counts up within a boot; 0 when a slow reader is told what it alone has lost."""
    boot: str
    at_ms: int
    """Milliseconds since 1970."""
    body: EventBody

    @property
    def name(self) -> str:
        """The event's name in the contract."""
        return next(name for name, shape in EVENTS.items() if isinstance(self.body, shape))


def event_of(value: Any) -> Event:
    """Read one event as the edge tells it: number, boot and time beside the fields of its name."""
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
