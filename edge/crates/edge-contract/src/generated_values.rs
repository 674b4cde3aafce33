//! The contract's closed sets, bounds and error codes.
//!
//! Written by `make contract` from `src/port443/core/contract` and `src/port443/edge/errors.py`.
#![allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::match_same_arms,
    reason = "the words are those of the Python side, which documents what a name does not say"
)]

use crate::closed_set::{closed_set, error_codes};

/// Bounds that no single field states.
pub mod bounds {
    /// The version of the contract; independent of the package's version.
    pub const CONTRACT: u64 = 2;
    /// Integers stay where every JSON reader keeps them exact (RFC 8259 §6).
    pub const MAX_INTEGER: u64 = 9_007_199_254_740_991;
    /// The longest frame, without its length.
    pub const MAX_FRAME: usize = 67_108_864;
    /// `SCM_MAX_FD`: the most descriptors of one message (unix(7)).
    pub const MAX_DESCRIPTORS: usize = 253;
    /// The most parts of one request.
    pub const MAX_PUT_PARTS: usize = 100_000;
    /// The most addresses of the control plane's own handshakes that one request announces.
    pub const MAX_EXPECTED_PEERS: usize = 1_024;
    /// The most workers of an edge; they count from 0.
    pub const MAX_WORKERS: usize = 1_024;
    /// Connections that wait for a worker, or for another edge; the system's own bound is
    /// `net.core.somaxconn`.
    pub const LISTENER_BACKLOG: i32 = 4_096;
    /// The fields that a response may have, where fewer are allowed for requests.
    pub const RESPONSE_FIELDS: usize = 128;
    /// The longest host name, without a final dot (RFC 1035 §2.3.4).
    pub const MAX_HOST_NAME: usize = 253;
    /// The longest part of a host name between dots (RFC 1035 §2.3.4).
    pub const MAX_HOST_LABEL: usize = 63;
    /// The longest free text that names something, in bytes.
    pub const MAX_ID: usize = 512;
    /// The longest that anything is waited for.
    pub const DAY_MS: u64 = 86_400_000;
    /// The longest text from a client in an event, in bytes.
    pub const MAX_EVENT_TEXT: usize = 512;
    /// The longest token of an ACME challenge; RFC 8555 §8.1 asks for 22 characters at least.
    pub const MAX_ACME_TOKEN: usize = 256;
}

error_codes! {
    /// The bytes are not one JSON object in UTF-8, or a key of it is a duplicate.
    BadJson = "P443-E350" "bad_json",
    /// The connection to the edge ended or timed out in the middle of a frame.
    BadFrame = "P443-E351" "bad_frame",
    /// A frame to the edge would have more than 64 MiB.
    FrameTooLong = "P443-E352" "frame_too_long",
    /// The edge does not know the verb: the two programs have different versions.
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
    /// The edge runs another snapshot than `port443 serve` expected; nothing was changed.
    StaleBase = "P443-E359" "stale_base",
    /// An operation inside the edge failed, such as writing its boot copy.
    Internal = "P443-E361" "internal",
    /// More clients are connected to the edge's socket than it serves at the same time.
    TooManyClients = "P443-E362" "too_many_clients",
    /// The edge is ending its connections and takes nothing new any more.
    Draining = "P443-E363" "draining",
}

closed_set! {
    /// A version of TLS that the edge supports.
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
    /// The transport of a listener.
    Transport {
        /// Connections, accepted from a listening socket.
        Tcp = "tcp",
    }
}

closed_set! {
    /// The protocol of a listener.
    Role {
        /// TLS, with HTTP inside.
        Https = "https",
        /// Plain HTTP, answered by redirects to https.
        Redirect = "redirect",
    }
}

closed_set! {
    /// What is asked.
    Verb {
        /// Which edge answers, and what it runs; the same in all contracts from 2 on.
        Identify = "identify",
        /// Store parts.
        Put = "put",
        /// Run a snapshot.
        Apply = "apply",
        /// Add the listening sockets that are sent with this frame.
        Sockets = "sockets",
        /// Send duplicates of the listening sockets; the same in all contracts.
        TakeSockets = "take_sockets",
        /// Do not count the next handshake from each of these addresses as a client's.
        Expect = "expect",
        /// Send all counters.
        Stats = "stats",
        /// Send events until the connection is closed.
        Events = "events",
        /// Close all connections gracefully and end the process; the same in all contracts.
        Drain = "drain",
        /// End the process now.
        Stop = "stop",
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
        /// The name is not served here.
        UnknownServerName = "unknown_server_name",
        /// The name's site is in quarantine, with no good version to serve.
        SiteQuarantined = "site_quarantined",
        /// The name's site has no certificate yet.
        CertificatePending = "certificate_pending",
        /// An ACME server validates a name for which no tls-alpn-01 challenge is pending.
        NoChallengeAnswer = "no_challenge_answer",
        /// The client sent an alert about the certificate.
        ClientRejectedCertificate = "client_rejected_certificate",
        /// The site requires a client certificate.
        ClientCertificateMissing = "client_certificate_missing",
        /// The client's certificate does not verify.
        ClientCertificateInvalid = "client_certificate_invalid",
        /// The client broke the protocol.
        ProtocolViolation = "protocol_violation",
        /// Early data was replayed.
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
        /// A message that is not allowed at this point.
        MessageForbidden = "message_forbidden",
        /// Allowed messages without end.
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
        /// More data than the windows allow.
        FlowControlViolated = "flow_control_violated",
        /// A frame is too long, or not as long as its type says.
        FrameSizeWrong = "frame_size_wrong",
        /// A header block exceeds the limit when it is decompressed.
        HeaderBomb = "header_bomb",
        /// A header block or another frame did not come whole in time.
        HeaderTimeout = "header_timeout",
        /// Too many pings.
        PingFlood = "ping_flood",
        /// Too many priorities or frames of unknown types.
        PriorityFlood = "priority_flood",
        /// A frame that is not allowed at this point.
        ProtocolViolated = "protocol_violated",
        /// Too many streams ended as soon as they began.
        RapidReset = "rapid_reset",
        /// Too many settings.
        SettingsFlood = "settings_flood",
        /// A frame on a stream that was closed.
        StreamClosed = "stream_closed",
        /// More concurrent streams than allowed, repeatedly.
        TooManyStreams = "too_many_streams",
        /// A response waited too long for the client's window.
        WindowStalled = "window_stalled",
        /// Too many updates of windows.
        WindowUpdateFlood = "window_update_flood",
    }
}

closed_set! {
    /// Why a request is not passed on.
    RequestRefusal {
        /// A carriage return without a line feed.
        BareCr = "bare_cr",
        /// A line feed without a carriage return.
        BareLf = "bare_lf",
        /// The body ended before its framing did, or violates the framing.
        BodyMalformed = "body_malformed",
        /// The body is longer than the site takes (RFC 9110 §15.5.14).
        BodyTooLarge = "body_too_large",
        /// The client fell silent in the middle of a body.
        BodyTimeout = "body_timeout",
        /// The host's site has no certificate yet, so that a redirect to https would lead nowhere.
        CertificatePending = "certificate_pending",
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
        /// The host does not belong to this connection.
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
            Self::CertificatePending => 503,
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
            Self::CertificatePending => "This site waits for its first certificate. Try again in a minute.",
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
            Self::TooManyRequests => "This site's limit of concurrent requests is reached.",
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
        /// The server's name has no address.
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

impl UpstreamFailure {
    /// The status of the page.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::ConnectRefused => 502,
            Self::ConnectFailed => 502,
            Self::NoAddress => 502,
            Self::ConnectTimeout => 504,
            Self::ResponseTimeout => 504,
            Self::ClosedEarly => 502,
            Self::ResponseMalformed => 502,
            Self::ResponseTooLarge => 502,
            Self::BodyTimeout => 504,
            Self::NoServer => 503,
            Self::PoolFull => 503,
        }
    }

    /// The sentence of the page.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ConnectRefused => "The server behind this site cannot be reached.",
            Self::ConnectFailed => "The server behind this site cannot be reached.",
            Self::NoAddress => "The name of the server behind this site has no address.",
            Self::ConnectTimeout => "The server behind this site did not respond in time.",
            Self::ResponseTimeout => "The server behind this site did not respond in time.",
            Self::ClosedEarly => "The server behind this site closed the connection before it sent a response.",
            Self::ResponseMalformed => "The server behind this site sent a response that is not valid HTTP.",
            Self::ResponseTooLarge => "The server behind this site sent a response whose header is too large.",
            Self::BodyTimeout => "The server behind this site did not respond in time.",
            Self::NoServer => "No server behind this site is available.",
            Self::PoolFull => "The pool's connection limit is reached.",
        }
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
        /// There is no certificate for the site, and a good version of it goes on.
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
    /// The kinds of ACME challenges that are answered.
    ChallengeKind {
        /// By a certificate in a handshake (RFC 8737).
        TlsAlpn = "tls-alpn-01",
        /// By a response on a plain port (RFC 8555 §8.3).
        Http = "http-01",
    }
}

closed_set! {
    /// The state of a listener.
    ListenerState {
        /// At least one socket accepts.
        Listening = "listening",
        /// No socket has been handed over yet.
        WaitingForSockets = "waiting_for_sockets",
    }
}
