//! The closed sets of reasons; the same as in `contract/events.schema.json`.

use crate::closed_set::closed_set;

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

closed_set! {
    /// Why a request is not passed on.
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
        /// A transfer coding other than chunked.
        TransferCodingUnsupported = "transfer_coding_unsupported",
        /// Transfer-Encoding does not end in one chunked, or the version has none.
        TransferEncodingMalformed = "transfer_encoding_malformed",
        /// Neither HTTP/1.0 nor HTTP/1.1.
        VersionUnsupported = "version_unsupported",
    }
}
