"""The closed sets of reasons in events, statistics and receipts; the edge has them from here."""

from enum import StrEnum
from typing import Self


class HandshakeFailure(StrEnum):
    """Why a handshake did not complete."""

    NOT_TLS = "not_tls"
    """The first bytes are no TLS."""
    PLAIN_HTTP = "plain_http"
    """The client speaks HTTP in clear."""
    HELLO_MALFORMED = "hello_malformed"
    """The hello breaks the grammar of TLS."""
    HELLO_TOO_LARGE = "hello_too_large"
    """The hello exceeds the limit."""
    NO_SHARED_VERSION = "no_shared_version"
    """No version in common."""
    NO_SHARED_SUITE = "no_shared_suite"
    """No cipher suite in common."""
    NO_SHARED_GROUP = "no_shared_group"
    """No key exchange group in common."""
    NO_SHARED_SIGNATURE_SCHEME = "no_shared_signature_scheme"
    """No certificate that the client can verify."""
    NO_SHARED_ALPN = "no_shared_alpn"
    """No application protocol in common."""
    NO_SERVER_NAME = "no_server_name"
    """The hello names no server, and no site answers without a name."""
    UNKNOWN_SERVER_NAME = "unknown_server_name"
    """The name is not served here."""
    SITE_QUARANTINED = "site_quarantined"
    """The name's site is in quarantine, with no good version to serve."""
    CERTIFICATE_PENDING = "certificate_pending"
    """The name's site has no certificate yet."""
    NO_CHALLENGE_ANSWER = "no_challenge_answer"
    """An ACME server validates a name for which no tls-alpn-01 challenge is pending."""
    CLIENT_REJECTED_CERTIFICATE = "client_rejected_certificate"
    """The client sent an alert about the certificate."""
    CLIENT_CERTIFICATE_MISSING = "client_certificate_missing"
    """The site requires a client certificate."""
    CLIENT_CERTIFICATE_INVALID = "client_certificate_invalid"
    """The client's certificate does not verify."""
    PROTOCOL_VIOLATION = "protocol_violation"
    """The client broke the protocol."""
    REPLAYED_EARLY_DATA = "replayed_early_data"
    """Early data was replayed."""
    OVERLOADED = "overloaded"
    """The worker holds as many connections as it may."""
    TIMEOUT = "timeout"
    """The client was too slow."""
    CLIENT_CLOSED = "client_closed"
    """The client went away."""
    INTERNAL = "internal"
    """The edge failed."""


class TlsFailure(StrEnum):
    """Why TLS failed behind the handshake."""

    RECORD_UNDECRYPTABLE = "record_undecryptable"
    """A record cannot be decrypted."""
    RECORD_MALFORMED = "record_malformed"
    """A record or message cannot be read."""
    MESSAGE_FORBIDDEN = "message_forbidden"
    """A message that is not allowed at this point."""
    MESSAGE_FLOOD = "message_flood"
    """Allowed messages without end."""
    CLIENT_ALERTED = "client_alerted"
    """The client ended it by an alert."""
    TLS_INTERNAL = "tls_internal"
    """The edge failed."""


class Http2Cutoff(StrEnum):
    """Why an HTTP/2 connection was ended by us."""

    COMPRESSION_MALFORMED = "compression_malformed"
    """A header block cannot be read."""
    CONTINUATION_FLOOD = "continuation_flood"
    """A header block came in too many frames."""
    EMPTY_DATA_FLOOD = "empty_data_flood"
    """Too many DATA frames carried nothing."""
    FLOW_CONTROL_VIOLATED = "flow_control_violated"
    """More data than the windows allow."""
    FRAME_SIZE_WRONG = "frame_size_wrong"
    """A frame is too long, or not as long as its type says."""
    HEADER_BOMB = "header_bomb"
    """A header block exceeds the limit when it is decompressed."""
    HEADER_TIMEOUT = "header_timeout"
    """A header block or another frame did not come whole in time."""
    PING_FLOOD = "ping_flood"
    """Too many pings."""
    PRIORITY_FLOOD = "priority_flood"
    """Too many priorities or frames of unknown types."""
    PROTOCOL_VIOLATED = "protocol_violated"
    """A frame that is not allowed at this point."""
    RAPID_RESET = "rapid_reset"
    """Too many streams ended as soon as they began."""
    SETTINGS_FLOOD = "settings_flood"
    """Too many settings."""
    STREAM_CLOSED = "stream_closed"
    """A frame on a stream that was closed."""
    TOO_MANY_STREAMS = "too_many_streams"
    """More concurrent streams than allowed, repeatedly."""
    WINDOW_STALLED = "window_stalled"
    """A response waited too long for the client's window."""
    WINDOW_UPDATE_FLOOD = "window_update_flood"
    """Too many updates of windows."""


class AnsweredReason(StrEnum):
    """A reason with the status and the sentence that the client of the request is answered."""

    status: int
    sentence: str

    def __new__(cls, name: str, status: int, sentence: str) -> Self:
        reason = str.__new__(cls, name)
        reason._value_ = name
        reason.status, reason.sentence = status, sentence
        return reason


class RequestRefusal(AnsweredReason):
    """Why a request is not passed on."""

    BARE_CR = "bare_cr", 400, "A line holds a carriage return that does not end it."
    """A carriage return without a line feed."""
    BARE_LF = "bare_lf", 400, "A line ends in a line feed alone."
    """A line feed without a carriage return."""
    BODY_MALFORMED = "body_malformed", 400, "The request's body does not keep to its framing."
    """The body ended before its framing did, or violates the framing."""
    BODY_TOO_LARGE = "body_too_large", 413, "The request's body is larger than this site takes."
    """The body is longer than the site takes (RFC 9110 §15.5.14)."""
    BODY_TIMEOUT = "body_timeout", 408, "The request's body did not arrive in time."
    """The client fell silent in the middle of a body."""
    CERTIFICATE_PENDING = (
        "certificate_pending",
        503,
        "This site waits for its first certificate. Try again in a minute.",
    )
    """The host's site has no certificate yet, so that a redirect to https would lead nowhere."""
    CONNECTION_FIELD_FORBIDDEN = (
        "connection_field_forbidden",
        400,
        "The request has a header that HTTP/2 forbids.",
    )
    """A field of HTTP/1's connections in HTTP/2."""
    EXPECTATION_UNSUPPORTED = "expectation_unsupported", 417, "This server does not meet that expectation."
    """An Expect that is not `100-continue`, once."""
    FIELD_NAME_MALFORMED = "field_name_malformed", 400, "A header line has no valid name."
    """A field line without a name, or with bytes that no name may hold."""
    FIELD_VALUE_MALFORMED = "field_value_malformed", 400, "A header value holds a control byte."
    """A field value holds a control byte."""
    FIELDS_TOO_LARGE = "fields_too_large", 431, "The request's header is too large."
    """Too many field lines, or too many bytes of them."""
    HEADER_TIMEOUT = "header_timeout", 408, "The request's header did not arrive in time."
    """The head did not arrive in time."""
    HOST_DIFFERS = "host_differs", 400, "The Host header differs from the request's target."
    """Host and the target of absolute form name different authorities."""
    HOST_MALFORMED = "host_malformed", 400, "The Host header holds no valid host."
    """Host holds no host name or IP address."""
    HOST_MISSING = "host_missing", 400, "The request has no Host header."
    """An HTTP/1.1 request without Host."""
    HOST_REPEATED = "host_repeated", 400, "The request has several Host headers."
    """More than one Host field."""
    LENGTH_MALFORMED = "length_malformed", 400, "The Content-Length header holds no valid number."
    """Content-Length is no number."""
    LENGTH_REPEATED = "length_repeated", 400, "The request has several Content-Length headers."
    """More than one Content-Length."""
    LENGTH_WITH_TRANSFER_ENCODING = (
        "length_with_transfer_encoding",
        400,
        "The request has both Content-Length and Transfer-Encoding.",
    )
    """Content-Length together with Transfer-Encoding."""
    LINE_FOLDED = "line_folded", 400, "A header line is folded."
    """A field value folded over several lines."""
    METHOD_MALFORMED = "method_malformed", 400, "The request's method is malformed."
    """The method holds bytes that no method may hold."""
    METHOD_UNSUPPORTED = "method_unsupported", 501, "This server does not implement the method."
    """CONNECT: a reverse proxy makes no tunnels."""
    MISDIRECTED = "misdirected", 421, "This connection does not serve the requested host."
    """The host does not belong to this connection."""
    PSEUDO_FIELD_MALFORMED = "pseudo_field_malformed", 400, "The request's pseudo-headers are malformed."
    """Pseudo-fields are missing, repeated, unknown or not in front."""
    REQUEST_LINE_MALFORMED = "request_line_malformed", 400, "The request line is malformed."
    """The request line is not `method target version`."""
    REQUEST_TIMEOUT = "request_timeout", 408, "The request took longer than this server allows."
    """The request was not answered whole in the time that one may take."""
    SPACE_BEFORE_COLON = "space_before_colon", 400, "A header name is followed by white space."
    """White space between a field's name and its colon."""
    TARGET_MALFORMED = "target_malformed", 400, "The request's target is malformed."
    """The target is in none of the forms that the method allows."""
    TARGET_TOO_LONG = "target_too_long", 414, "The request's target is too long."
    """The target is longer than we read."""
    TOO_MANY_REQUESTS = (
        "too_many_requests",
        503,
        "This site's limit of concurrent requests is reached.",
    )
    """The site has as many requests under way as it may."""
    TRANSFER_CODING_UNSUPPORTED = (
        "transfer_coding_unsupported",
        501,
        "This server does not implement the transfer coding.",
    )
    """A transfer coding other than chunked."""
    TRANSFER_ENCODING_MALFORMED = (
        "transfer_encoding_malformed",
        400,
        "The Transfer-Encoding header is malformed.",
    )
    """Transfer-Encoding does not end in one chunked, or the version has none."""
    VERSION_UNSUPPORTED = "version_unsupported", 505, "This server does not speak that version of HTTP."
    """Neither HTTP/1.0 nor HTTP/1.1."""


_IN_TIME = "The server behind this site did not respond in time."
_NOT_REACHED = "The server behind this site cannot be reached."


class UpstreamFailure(AnsweredReason):
    """Why an upstream server did not answer a request."""

    CONNECT_REFUSED = "connect_refused", 502, _NOT_REACHED
    """Nothing listens there."""
    CONNECT_FAILED = "connect_failed", 502, _NOT_REACHED
    """No way there."""
    NO_ADDRESS = "no_address", 502, "The name of the server behind this site has no address."
    """The server's name has no address."""
    CONNECT_TIMEOUT = "connect_timeout", 504, _IN_TIME
    """The server did not accept in time."""
    RESPONSE_TIMEOUT = "response_timeout", 504, _IN_TIME
    """The response did not begin in time."""
    CLOSED_EARLY = (
        "closed_early",
        502,
        "The server behind this site closed the connection before it sent a response.",
    )
    """The connection ended before the response did."""
    RESPONSE_MALFORMED = (
        "response_malformed",
        502,
        "The server behind this site sent a response that is not valid HTTP.",
    )
    """The response breaks the grammar of HTTP."""
    RESPONSE_TOO_LARGE = (
        "response_too_large",
        502,
        "The server behind this site sent a response whose header is too large.",
    )
    """The response's header is larger than the limits for headers."""
    BODY_TIMEOUT = "body_timeout", 504, _IN_TIME
    """The response fell silent in its middle."""
    NO_SERVER = "no_server", 503, "No server behind this site is available."
    """No server of the pool can be tried."""
    POOL_FULL = "pool_full", 503, "The pool's connection limit is reached."
    """The pool has all the connections that a worker may hold of it."""


class QuarantineCode(StrEnum):
    """Why a site is quarantined."""

    PART_KIND_WRONG = "part_kind_wrong"
    """A reference leads to a part of another kind."""
    REFERENCE_MISSING = "reference_missing"
    """A reference leads to no part."""
    ID_DIFFERS = "id_differs"
    """The site's own id is not its key in the root."""
    CERTIFICATE_MISSING = "certificate_missing"
    """There is no certificate for the site, and a good version of it goes on."""
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    """A certificate is no X.509 that can be served."""
    KEY_UNREADABLE = "key_unreadable"
    """A private key is no PKCS#8 that can sign."""
    KEY_MISMATCH = "key_mismatch"
    """A private key does not belong to its certificate."""
    NAMES_CONFLICT = "names_conflict"
    """A name belongs to another site."""
    TLS_POLICY_UNUSABLE = "tls_policy_unusable"
    """The policy's versions, suites, groups and the certificates leave nothing to agree on."""


class ChallengeKind(StrEnum):
    """The kinds of ACME challenges that are answered."""

    TLS_ALPN = "tls-alpn-01"
    """By a certificate in a handshake (RFC 8737)."""
    HTTP = "http-01"
    """By a response on a plain port (RFC 8555 §8.3)."""


class ListenerState(StrEnum):
    """The state of a listener."""

    LISTENING = "listening"
    """At least one socket accepts."""
    WAITING_FOR_SOCKETS = "waiting_for_sockets"
    """No socket has been handed over yet."""
