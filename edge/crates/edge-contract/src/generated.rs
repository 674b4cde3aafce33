//! The contract's documents, closed sets, bounds and error codes.
//!
//! Written by `make contract` from `src/port443/core/contract` and `src/port443/edge/errors.py`.
#![allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::match_same_arms,
    reason = "the words are those of the Python side, which documents what a name does not say"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::closed_set::closed_set;
use crate::error::{Fault, error_codes};
use crate::hash::Hash;
use crate::names::{check_site_name, id, site_name, socket_address, upstream_host};
use crate::read::{
    Fields, all_base64, as_base64, base64, base64_array, boolean, distinct, hash, integer, list, map,
    nullable, object, one_of, port, sorted, text,
};

/// Bounds that no single field states.
pub mod bounds {
    /// The version of the contract; independent of the package's version.
    pub const CONTRACT: u64 = 1;
    /// Integers stay where every JSON reader keeps them exact (RFC 8259 §6).
    pub const MAX_INTEGER: u64 = 9_007_199_254_740_991;
    /// The longest frame, without its length.
    pub const MAX_FRAME: usize = 67_108_864;
    /// `SCM_MAX_FD`: one message carries no more (unix(7)).
    pub const MAX_DESCRIPTORS: usize = 253;
    /// The most parts that one request brings.
    pub const MAX_PUT_PARTS: usize = 100_000;
    /// The most addresses of the control plane's own handshakes that one request announces.
    pub const MAX_EXPECTED_PEERS: usize = 1_024;
    /// The greatest number of a worker.
    pub const MAX_WORKERS: usize = 1_024;
    /// The longest that anything is waited for.
    pub const DAY_MS: u64 = 86_400_000;
    /// The longest text that a client can bring into an event, in bytes.
    pub const MAX_EVENT_TEXT: usize = 512;
    /// The most names of one site or certificate.
    pub const MAX_NAMES: usize = 4_096;
    pub const MAX_SITES: usize = 100_000;
    /// The most servers of one pool.
    pub const MAX_SERVERS: usize = 1_024;
    pub const MAX_TICKET_KEYS: usize = 8;
}

error_codes! {
    /// What should be one JSON object in UTF-8 is none, or has a key twice.
    BadJson = "P443-E350" "bad_json",
    /// The connection to the edge ended, or fell silent, in the middle of a frame.
    BadFrame = "P443-E351" "bad_frame",
    /// A frame to the edge would have more than 64 MiB.
    FrameTooLong = "P443-E352" "frame_too_long",
    /// The edge does not know what it was asked for: the two programs are of different versions.
    UnknownVerb = "P443-E353" "unknown_verb",
    /// A request to the edge lacks a field, or holds a value of the wrong type or range.
    BadRequest = "P443-E354" "bad_request",
    /// A document breaks a rule of the contract; the path names the place.
    DocumentInvalid = "P443-E355" "document_invalid",
    /// A frame reached the edge with another number of descriptors than it lists.
    FdCountWrong = "P443-E356" "fd_count_wrong",
    /// A descriptor that reached the edge is not a listening TCP socket.
    FdKindWrong = "P443-E357" "fd_kind_wrong",
    /// Another, newer `port443 serve` has taken this edge over.
    StaleEpoch = "P443-E358" "stale_epoch",
    /// The edge runs another snapshot than `port443 serve` believes; nothing was changed.
    StaleBase = "P443-E359" "stale_base",
    /// The running edge speaks another version of the contract than this `port443 serve`.
    ContractDiffers = "P443-E360" "contract_differs",
    /// The edge failed at something of its own, such as writing its boot copy.
    Internal = "P443-E361" "internal",
    /// More clients are connected to the edge's socket than it serves at once.
    TooManyClients = "P443-E362" "too_many_clients",
    /// The edge is ending its connections and takes nothing new any more.
    Draining = "P443-E363" "draining",
}

closed_set! {
    /// A version of TLS that the edge speaks.
    TlsVersion {
        /// `1.2`
        Tls12 = "1.2",
        /// `1.3`
        Tls13 = "1.3",
    }
}

closed_set! {
    /// A forward-secret AEAD cipher suite (RFC 8446, RFC 5289, RFC 7905).
    CipherSuite {
        /// `TLS_AES_128_GCM_SHA256`
        Tls13Aes128GcmSha256 = "TLS_AES_128_GCM_SHA256",
        /// `TLS_AES_256_GCM_SHA384`
        Tls13Aes256GcmSha384 = "TLS_AES_256_GCM_SHA384",
        /// `TLS_CHACHA20_POLY1305_SHA256`
        Tls13Chacha20Poly1305Sha256 = "TLS_CHACHA20_POLY1305_SHA256",
        /// `TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`
        EcdheEcdsaAes128GcmSha256 = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        /// `TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384`
        EcdheEcdsaAes256GcmSha384 = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        /// `TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheEcdsaChacha20Poly1305Sha256 = "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        /// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`
        EcdheRsaAes128GcmSha256 = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        /// `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`
        EcdheRsaAes256GcmSha384 = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        /// `TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256`
        EcdheRsaChacha20Poly1305Sha256 = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    }
}

closed_set! {
    /// A key exchange group.
    Group {
        /// `X25519MLKEM768`
        X25519Mlkem768 = "X25519MLKEM768",
        /// `x25519`
        X25519 = "x25519",
        /// `secp256r1`
        Secp256r1 = "secp256r1",
        /// `secp384r1`
        Secp384r1 = "secp384r1",
        /// `SecP256r1MLKEM768`
        Secp256r1Mlkem768 = "SecP256r1MLKEM768",
    }
}

closed_set! {
    /// An application protocol (RFC 7301).
    Alpn {
        /// `h2`
        H2 = "h2",
        /// `http/1.1`
        Http11 = "http/1.1",
    }
}

closed_set! {
    /// What carries the bytes of a listener's clients.
    Transport {
        /// Connections, accepted from a listening socket.
        Tcp = "tcp",
    }
}

closed_set! {
    /// What is spoken on a listener.
    Role {
        /// TLS, with HTTP inside.
        Https = "https",
        /// Plain HTTP, answered by redirects to https.
        Redirect = "redirect",
    }
}

closed_set! {
    /// Why a handshake did not complete.
    HandshakeFailure {
        /// The first bytes are no TLS.
        NotTls = "not_tls",
        /// The client speaks HTTP in clear.
        PlainHttp = "plain_http",
        /// The hello breaks the grammar of TLS.
        HelloMalformed = "hello_malformed",
        /// The hello exceeds the limit.
        HelloTooLarge = "hello_too_large",
        /// No version in common.
        NoSharedVersion = "no_shared_version",
        /// No cipher suite in common.
        NoSharedSuite = "no_shared_suite",
        /// No key exchange group in common.
        NoSharedGroup = "no_shared_group",
        /// No certificate that the client can verify.
        NoSharedSignatureScheme = "no_shared_signature_scheme",
        /// No application protocol in common.
        NoSharedAlpn = "no_shared_alpn",
        /// The hello names no server, and no site answers without a name.
        NoServerName = "no_server_name",
        /// The name is none of ours.
        UnknownServerName = "unknown_server_name",
        /// The name's site is in quarantine, with no good version to serve.
        SiteQuarantined = "site_quarantined",
        /// The client said so by an alert.
        ClientRejectedCertificate = "client_rejected_certificate",
        /// The site wants a client certificate.
        ClientCertificateMissing = "client_certificate_missing",
        /// The client's certificate does not verify.
        ClientCertificateInvalid = "client_certificate_invalid",
        /// The client broke the protocol.
        ProtocolViolation = "protocol_violation",
        /// Early data came twice.
        ReplayedEarlyData = "replayed_early_data",
        /// The worker holds as many connections as it may.
        Overloaded = "overloaded",
        /// The client was too slow.
        Timeout = "timeout",
        /// The client went away.
        ClientClosed = "client_closed",
        /// The edge failed.
        Internal = "internal",
    }
}

closed_set! {
    /// Why TLS failed behind the handshake.
    TlsFailure {
        /// A record cannot be decrypted.
        RecordUndecryptable = "record_undecryptable",
        /// A record or message cannot be read.
        RecordMalformed = "record_malformed",
        /// A message came that may not come there.
        MessageForbidden = "message_forbidden",
        /// What is allowed came without end.
        MessageFlood = "message_flood",
        /// The client ended it by an alert.
        ClientAlerted = "client_alerted",
        /// The edge failed.
        TlsInternal = "tls_internal",
    }
}

closed_set! {
    /// Why an HTTP/2 connection was ended by us.
    Http2Cutoff {
        /// A header block cannot be read.
        CompressionMalformed = "compression_malformed",
        /// A header block came in too many frames.
        ContinuationFlood = "continuation_flood",
        /// Too many DATA frames carried nothing.
        EmptyDataFlood = "empty_data_flood",
        /// More came than the windows allow.
        FlowControlViolated = "flow_control_violated",
        /// A frame is too long, or not as long as its type says.
        FrameSizeWrong = "frame_size_wrong",
        /// A header block says far more than the limit.
        HeaderBomb = "header_bomb",
        /// A header block or another frame did not come whole in time.
        HeaderTimeout = "header_timeout",
        /// Too many pings.
        PingFlood = "ping_flood",
        /// Too many priorities or frames of unknown types.
        PriorityFlood = "priority_flood",
        /// A frame came that may not come there.
        ProtocolViolated = "protocol_violated",
        /// Too many streams ended as soon as they began.
        RapidReset = "rapid_reset",
        /// Too many settings.
        SettingsFlood = "settings_flood",
        /// A frame came on a stream that was closed.
        StreamClosed = "stream_closed",
        /// More streams at once than allowed, again and again.
        TooManyStreams = "too_many_streams",
        /// A response waited too long for the client's window.
        WindowStalled = "window_stalled",
        /// Too many updates of windows.
        WindowUpdateFlood = "window_update_flood",
    }
}

closed_set! {
    /// Why a request is not passed on, with the status and the sentence that its client is
    /// answered.
    RequestRefusal {
        /// A carriage return without a line feed.
        BareCr = "bare_cr",
        /// A line feed without a carriage return.
        BareLf = "bare_lf",
        /// The body ended before its framing said so, or did not keep to the framing.
        BodyMalformed = "body_malformed",
        /// The body is longer than the site takes (RFC 9110 §15.5.14).
        BodyTooLarge = "body_too_large",
        /// The client fell silent in the middle of a body.
        BodyTimeout = "body_timeout",
        /// A field of HTTP/1's connections in HTTP/2.
        ConnectionFieldForbidden = "connection_field_forbidden",
        /// An Expect that is not `100-continue`, once.
        ExpectationUnsupported = "expectation_unsupported",
        /// A field line without a name, or with bytes that no name may hold.
        FieldNameMalformed = "field_name_malformed",
        /// A field value holds a control byte.
        FieldValueMalformed = "field_value_malformed",
        /// Too many field lines, or too many bytes of them.
        FieldsTooLarge = "fields_too_large",
        /// The head did not arrive in time.
        HeaderTimeout = "header_timeout",
        /// Host and the target of absolute form name different authorities.
        HostDiffers = "host_differs",
        /// Host holds no host name or IP address.
        HostMalformed = "host_malformed",
        /// An HTTP/1.1 request without Host.
        HostMissing = "host_missing",
        /// More than one Host field.
        HostRepeated = "host_repeated",
        /// Content-Length is no number.
        LengthMalformed = "length_malformed",
        /// More than one Content-Length.
        LengthRepeated = "length_repeated",
        /// Content-Length together with Transfer-Encoding.
        LengthWithTransferEncoding = "length_with_transfer_encoding",
        /// A field value folded over several lines.
        LineFolded = "line_folded",
        /// The method holds bytes that no method may hold.
        MethodMalformed = "method_malformed",
        /// CONNECT: a reverse proxy makes no tunnels.
        MethodUnsupported = "method_unsupported",
        /// The host is none of this connection's.
        Misdirected = "misdirected",
        /// Pseudo-fields are missing, repeated, unknown or not in front.
        PseudoFieldMalformed = "pseudo_field_malformed",
        /// The request line is not `method target version`.
        RequestLineMalformed = "request_line_malformed",
        /// The request was not answered whole in the time that one may take.
        RequestTimeout = "request_timeout",
        /// White space between a field's name and its colon.
        SpaceBeforeColon = "space_before_colon",
        /// The target is in none of the forms that the method allows.
        TargetMalformed = "target_malformed",
        /// The target is longer than we read.
        TargetTooLong = "target_too_long",
        /// The site has as many requests under way as it may.
        TooManyRequests = "too_many_requests",
        /// A transfer coding other than chunked.
        TransferCodingUnsupported = "transfer_coding_unsupported",
        /// Transfer-Encoding does not end in one chunked, or the version has none.
        TransferEncodingMalformed = "transfer_encoding_malformed",
        /// Neither HTTP/1.0 nor HTTP/1.1.
        VersionUnsupported = "version_unsupported",
    }
}

impl RequestRefusal {
    /// The status of the page.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BareCr => 400,
            Self::BareLf => 400,
            Self::BodyMalformed => 400,
            Self::BodyTooLarge => 413,
            Self::BodyTimeout => 408,
            Self::ConnectionFieldForbidden => 400,
            Self::ExpectationUnsupported => 417,
            Self::FieldNameMalformed => 400,
            Self::FieldValueMalformed => 400,
            Self::FieldsTooLarge => 431,
            Self::HeaderTimeout => 408,
            Self::HostDiffers => 400,
            Self::HostMalformed => 400,
            Self::HostMissing => 400,
            Self::HostRepeated => 400,
            Self::LengthMalformed => 400,
            Self::LengthRepeated => 400,
            Self::LengthWithTransferEncoding => 400,
            Self::LineFolded => 400,
            Self::MethodMalformed => 400,
            Self::MethodUnsupported => 501,
            Self::Misdirected => 421,
            Self::PseudoFieldMalformed => 400,
            Self::RequestLineMalformed => 400,
            Self::RequestTimeout => 408,
            Self::SpaceBeforeColon => 400,
            Self::TargetMalformed => 400,
            Self::TargetTooLong => 414,
            Self::TooManyRequests => 503,
            Self::TransferCodingUnsupported => 501,
            Self::TransferEncodingMalformed => 400,
            Self::VersionUnsupported => 505,
        }
    }

    /// The sentence of the page.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::BareCr => "A line holds a carriage return that does not end it.",
            Self::BareLf => "A line ends in a line feed alone.",
            Self::BodyMalformed => "The request's body does not keep to its framing.",
            Self::BodyTooLarge => "The request's body is larger than this site takes.",
            Self::BodyTimeout => "The request's body did not arrive in time.",
            Self::ConnectionFieldForbidden => "The request has a header that HTTP/2 forbids.",
            Self::ExpectationUnsupported => "This server does not meet that expectation.",
            Self::FieldNameMalformed => "A header line has no valid name.",
            Self::FieldValueMalformed => "A header value holds a control byte.",
            Self::FieldsTooLarge => "The request's header is too large.",
            Self::HeaderTimeout => "The request's header did not arrive in time.",
            Self::HostDiffers => "The Host header differs from the request's target.",
            Self::HostMalformed => "The Host header holds no valid host.",
            Self::HostMissing => "The request has no Host header.",
            Self::HostRepeated => "The request has several Host headers.",
            Self::LengthMalformed => "The Content-Length header holds no valid number.",
            Self::LengthRepeated => "The request has several Content-Length headers.",
            Self::LengthWithTransferEncoding => "The request has both Content-Length and Transfer-Encoding.",
            Self::LineFolded => "A header line is folded.",
            Self::MethodMalformed => "The request's method is malformed.",
            Self::MethodUnsupported => "This server does not implement the method.",
            Self::Misdirected => "This connection does not serve the requested host.",
            Self::PseudoFieldMalformed => "The request's pseudo-headers are malformed.",
            Self::RequestLineMalformed => "The request line is malformed.",
            Self::RequestTimeout => "The request took longer than this server allows.",
            Self::SpaceBeforeColon => "A header name is followed by white space.",
            Self::TargetMalformed => "The request's target is malformed.",
            Self::TargetTooLong => "The request's target is too long.",
            Self::TooManyRequests => "This site has as many requests as it takes at once.",
            Self::TransferCodingUnsupported => "This server does not implement the transfer coding.",
            Self::TransferEncodingMalformed => "The Transfer-Encoding header is malformed.",
            Self::VersionUnsupported => "This server does not speak that version of HTTP.",
        }
    }
}

closed_set! {
    /// Why an upstream server did not answer a request.
    UpstreamFailure {
        /// Nothing listens there.
        ConnectRefused = "connect_refused",
        /// No way there.
        ConnectFailed = "connect_failed",
        /// The server's name leads to no address.
        NoAddress = "no_address",
        /// The server did not accept in time.
        ConnectTimeout = "connect_timeout",
        /// The response did not begin in time.
        ResponseTimeout = "response_timeout",
        /// The connection ended before the response did.
        ClosedEarly = "closed_early",
        /// The response breaks the grammar of HTTP.
        ResponseMalformed = "response_malformed",
        /// The response's header is larger than the limits for headers.
        ResponseTooLarge = "response_too_large",
        /// The response fell silent in its middle.
        BodyTimeout = "body_timeout",
        /// No server of the pool can be tried.
        NoServer = "no_server",
        /// The pool has all the connections that a worker may hold of it.
        PoolFull = "pool_full",
    }
}

closed_set! {
    /// Why a site is quarantined.
    QuarantineCode {
        /// A reference leads to a part of another kind.
        PartKindWrong = "part_kind_wrong",
        /// A reference leads to no part.
        ReferenceMissing = "reference_missing",
        /// The site's own id is not its key in the root.
        IdDiffers = "id_differs",
        /// There is no certificate for the site.
        CertificateMissing = "certificate_missing",
        /// A certificate is no X.509 that can be served.
        CertificateUnreadable = "certificate_unreadable",
        /// A private key is no PKCS#8 that can sign.
        KeyUnreadable = "key_unreadable",
        /// A private key does not belong to its certificate.
        KeyMismatch = "key_mismatch",
        /// A name belongs to another site.
        NamesConflict = "names_conflict",
        /// The policy's versions, suites, groups and the certificates leave nothing to agree on.
        TlsPolicyUnusable = "tls_policy_unusable",
    }
}

closed_set! {
    /// What became of a listener.
    ListenerState {
        /// At least one socket accepts.
        Listening = "listening",
        /// No socket has been handed over yet.
        WaitingForSockets = "waiting_for_sockets",
    }
}

/// One address that the edge accepts connections on.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Listener {
    /// `role:address`, so that another address is another listener.
    pub id: String,
    /// What is spoken there.
    pub role: Role,
    /// `192.0.2.1:443` or `[2001:db8::1]:443`.
    pub address: SocketAddr,
    /// The port that clients use for https; redirects and the readable 400 name it.
    pub https_port: u16,
}

impl Listener {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", text)?,
            role: fields.take("role", one_of(Role::parse, "what is spoken on a listener"))?,
            address: fields.take("address", socket_address)?,
            https_port: fields.take("https_port", port)?,
        })
    }
}

/// Bounds on what a stranger may make the edge hold or wait for; milliseconds and bytes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Limits {
    pub connections_per_worker: u64,
    /// What one worker holds for one client: an IPv4 address, or the /64 of an IPv6 one.
    pub connections_per_address: u64,
    /// New connections to https that one worker takes from one client in the long run.
    pub handshakes_per_second: u64,
    /// How many of them may come at once.
    pub handshakes_burst: u64,
    pub hello_bytes: u64,
    pub hello_timeout_ms: u64,
    pub handshake_timeout_ms: u64,
    pub header_bytes: u64,
    /// The longest header line, and the longest target of a request.
    pub header_line_bytes: u64,
    pub header_fields: u64,
    /// The wait for a whole header, once its first byte is there.
    pub header_timeout_ms: u64,
    /// The longest silence in the middle of a body, in either direction.
    pub body_timeout_ms: u64,
    /// The longest silence between two requests.
    pub idle_timeout_ms: u64,
    /// The longest that a request may take from its header to the response's last byte; what flows
    /// has no end without it.
    pub request_timeout_ms: Option<u64>,
    /// The longest silence of a connection that was upgraded.
    pub tunnel_timeout_ms: u64,
    pub drain_timeout_ms: u64,
}

impl Limits {
    /// What holds when nothing else is asked for.
    pub const STANDARD: Self = Self {
        connections_per_worker: 16_384,
        connections_per_address: 4_096,
        handshakes_per_second: 200,
        handshakes_burst: 2_000,
        hello_bytes: 65_536,
        hello_timeout_ms: 5_000,
        handshake_timeout_ms: 10_000,
        header_bytes: 65_536,
        header_line_bytes: 16_384,
        header_fields: 128,
        header_timeout_ms: 10_000,
        body_timeout_ms: 60_000,
        idle_timeout_ms: 75_000,
        request_timeout_ms: None,
        tunnel_timeout_ms: 3_600_000,
        drain_timeout_ms: 10_000,
    };

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            connections_per_worker: fields.take("connections_per_worker", integer(1..=1_048_576))?,
            connections_per_address: fields.take("connections_per_address", integer(1..=1_048_576))?,
            handshakes_per_second: fields.take("handshakes_per_second", integer(1..=1_000_000))?,
            handshakes_burst: fields.take("handshakes_burst", integer(1..=1_000_000))?,
            hello_bytes: fields.take("hello_bytes", integer(1..=16_777_216))?,
            hello_timeout_ms: fields.take("hello_timeout_ms", integer(1..=86_400_000))?,
            handshake_timeout_ms: fields.take("handshake_timeout_ms", integer(1..=86_400_000))?,
            header_bytes: fields.take("header_bytes", integer(1..=16_777_216))?,
            header_line_bytes: fields.take("header_line_bytes", integer(1..=16_777_216))?,
            header_fields: fields.take("header_fields", integer(1..=65_535))?,
            header_timeout_ms: fields.take("header_timeout_ms", integer(1..=86_400_000))?,
            body_timeout_ms: fields.take("body_timeout_ms", integer(1..=86_400_000))?,
            idle_timeout_ms: fields.take("idle_timeout_ms", integer(1..=86_400_000))?,
            request_timeout_ms: fields.take("request_timeout_ms", nullable(integer(1..=86_400_000)))?,
            tunnel_timeout_ms: fields.take("tunnel_timeout_ms", integer(1..=86_400_000))?,
            drain_timeout_ms: fields.take("drain_timeout_ms", integer(1..=86_400_000))?,
        })
    }
}

/// The snapshot: the root document, whose hash names what is running.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Root {
    pub contract: u64,
    pub listeners: Vec<Listener>,
    pub limits: Limits,
    /// Site id → hash of its Site part.
    pub sites: BTreeMap<String, Hash>,
    /// The site that answers a hello with an unknown name or none; without one such hellos are
    /// refused.
    pub default_site: Option<String>,
    /// Newest first: the first encrypts, all decrypt.
    pub ticket_keys: Vec<Hash>,
    /// Every part that the snapshot needs, sorted.
    pub parts: Vec<Hash>,
}

impl Root {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            contract: fields.take("contract", integer(1..=1))?,
            listeners: fields.take("listeners", list(0..=256, object(Listener::read)))?,
            limits: fields.take("limits", object(Limits::read))?,
            sites: fields.take("sites", map(100_000, check_site_name, hash))?,
            default_site: fields.take("default_site", nullable(site_name))?,
            ticket_keys: fields.take("ticket_keys", list(0..=8, hash))?,
            parts: fields.take("parts", sorted(0..=500_000, hash))?,
        })
    }
}

/// A Strict-Transport-Security header (RFC 6797), and the names that get it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Hsts {
    pub names: Vec<String>,
    pub max_age_s: u64,
    pub include_subdomains: bool,
    pub preload: bool,
}

impl Hsts {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            max_age_s: fields.take("max_age_s", integer(0..=9_007_199_254_740_991))?,
            include_subdomains: fields.take("include_subdomains", boolean)?,
            preload: fields.take("preload", boolean)?,
        })
    }
}

/// Bounds on what clients may have of one site; the site's settings have their names, without
/// `_bytes`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct SiteLimits {
    /// The longest body of a request; a longer one is answered with 413.
    pub body_bytes: u64,
    /// Requests under way at once, WebSockets only until they are open; one more is answered with
    /// 503.
    pub requests: Option<u64>,
}

impl SiteLimits {
    /// What holds when nothing else is asked for.
    pub const STANDARD: Self = Self {
        body_bytes: 104_857_600,
        requests: None,
    };

    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            body_bytes: fields.take("body_bytes", integer(0..=9_007_199_254_740_991))?,
            requests: fields.take("requests", nullable(integer(1..=1_048_576)))?,
        })
    }
}

/// A site's own time-outs, in place of those of the limits; milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Timeouts {
    pub handshake_ms: u64,
    pub header_ms: u64,
    pub body_ms: u64,
    pub idle_ms: u64,
    pub request_ms: Option<u64>,
    pub tunnel_ms: u64,
}

impl Timeouts {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            handshake_ms: fields.take("handshake_ms", integer(1..=86_400_000))?,
            header_ms: fields.take("header_ms", integer(1..=86_400_000))?,
            body_ms: fields.take("body_ms", integer(1..=86_400_000))?,
            idle_ms: fields.take("idle_ms", integer(1..=86_400_000))?,
            request_ms: fields.take("request_ms", nullable(integer(1..=86_400_000)))?,
            tunnel_ms: fields.take("tunnel_ms", integer(1..=86_400_000))?,
        })
    }
}

/// A set of names with one policy and one pool behind it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Site {
    pub id: String,
    /// Host names in A-labels, `*.` wildcards of one label, IP addresses without brackets; sorted.
    pub names: Vec<String>,
    pub tls: Hash,
    /// To choose from by the hello. Without any the site is quarantined: its last good version
    /// goes on.
    pub certificates: Vec<Hash>,
    pub pool: Hash,
    pub hsts: Option<Hsts>,
    /// Whether clients may remember the 308 from port 80.
    pub redirect_cacheable: bool,
    pub limits: SiteLimits,
    /// Its own time-outs; those of the limits when there are none.
    pub timeouts: Option<Timeouts>,
}

impl Site {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", site_name)?,
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            tls: fields.take("tls", hash)?,
            certificates: fields.take("certificates", distinct(0..=16, hash))?,
            pool: fields.take("pool", hash)?,
            hsts: fields.take("hsts", nullable(object(Hsts::read)))?,
            redirect_cacheable: fields.take("redirect_cacheable", boolean)?,
            limits: fields.take("limits", object(SiteLimits::read))?,
            timeouts: fields.take("timeouts", nullable(object(Timeouts::read)))?,
        })
    }
}

/// What a handshake may end in; IANA names, in order of preference.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct TlsPolicy {
    pub versions: Vec<TlsVersion>,
    pub suites: Vec<CipherSuite>,
    pub groups: Vec<Group>,
    pub alpn: Vec<Alpn>,
    pub tickets: bool,
    /// Base64 of DER: the CAs of which a client must show a certificate; none, and it is not
    /// asked.
    #[serde(serialize_with = "all_base64")]
    pub client_roots: Vec<Vec<u8>>,
}

impl TlsPolicy {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            versions: fields.take("versions", distinct(1..=2, one_of(TlsVersion::parse, "a version of TLS that the edge speaks")))?,
            suites: fields.take("suites", distinct(1..=9, one_of(CipherSuite::parse, "a forward-secret AEAD cipher suite")))?,
            groups: fields.take("groups", distinct(1..=5, one_of(Group::parse, "a key exchange group")))?,
            alpn: fields.take("alpn", distinct(1..=2, one_of(Alpn::parse, "an application protocol")))?,
            tickets: fields.take("tickets", boolean)?,
            client_roots: fields.take("client_roots", distinct(0..=64, base64(1..=65_536)))?,
        })
    }
}

/// One upstream server; `host` is a name or an IP address without brackets.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Server {
    pub host: String,
    pub port: u16,
}

impl Server {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            host: fields.take("host", upstream_host)?,
            port: fields.take("port", port)?,
        })
    }
}

/// Upstream servers that can stand in for each other, taken in turn.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Pool {
    /// What events and counters call it.
    pub id: String,
    pub servers: Vec<Server>,
    /// The wait for a connection, the look-up of the server's name included.
    pub connect_timeout_ms: u64,
    /// The wait for the first byte of a response.
    pub response_timeout_ms: u64,
    /// How long a silent connection is kept warm.
    pub idle_timeout_ms: u64,
    /// Warm connections that one worker keeps for one server, however few the last seconds needed.
    pub idle_per_worker: u64,
    /// What one worker holds to all servers together, idle ones and tunnels too; beyond it 503 is
    /// answered.
    pub connections_per_worker: u64,
}

impl Pool {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            id: fields.take("id", id)?,
            servers: fields.take("servers", list(1..=1_024, object(Server::read)))?,
            connect_timeout_ms: fields.take("connect_timeout_ms", integer(1..=86_400_000))?,
            response_timeout_ms: fields.take("response_timeout_ms", integer(1..=86_400_000))?,
            idle_timeout_ms: fields.take("idle_timeout_ms", integer(1..=86_400_000))?,
            idle_per_worker: fields.take("idle_per_worker", integer(0..=65_536))?,
            connections_per_worker: fields.take("connections_per_worker", integer(1..=1_048_576))?,
        })
    }
}

/// A chain as it is sent, leaf first, and the part that holds its key.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Certificate {
    /// What the leaf covers, in the spelling of `Site.names`.
    pub names: Vec<String>,
    /// Base64 of DER, leaf first, without the root.
    #[serde(serialize_with = "all_base64")]
    pub chain: Vec<Vec<u8>>,
    pub key: Hash,
}

impl Certificate {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            names: fields.take("names", sorted(1..=4_096, site_name))?,
            chain: fields.take("chain", list(1..=100, base64(1..=65_536)))?,
            key: fields.take("key", hash)?,
        })
    }
}

/// A secret part: PKCS#8 DER in base64.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct PrivateKey {
    #[serde(serialize_with = "as_base64")]
    pub pkcs8: Vec<u8>,
}

impl PrivateKey {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            pkcs8: fields.take("pkcs8", base64(1..=16_384))?,
        })
    }
}

/// A secret part: 32 random bytes in base64, from which each site's ticket key is derived.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TicketKey {
    #[serde(serialize_with = "as_base64")]
    pub secret: [u8; 32],
}

impl TicketKey {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            secret: fields.take("secret", base64_array)?,
        })
    }
}
