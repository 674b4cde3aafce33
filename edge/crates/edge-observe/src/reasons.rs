//! The closed sets of reasons; the same as in `contract/events.schema.json`.

use serde::{Serialize, Serializer};

macro_rules! reasons {
    ($(#[$about:meta])* $type:ident { $($variant:ident = $name:literal $promise:literal)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $type { $(#[doc = $promise] $variant,)* }

        impl $type {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The reason's name in events and statistics.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Why a handshake did not complete.
    HandshakeFailure {
        NotTls = "not_tls" "The first bytes are no TLS."
        PlainHttp = "plain_http" "The client speaks HTTP in clear."
        HelloMalformed = "hello_malformed" "The hello breaks the grammar of TLS."
        HelloTooLarge = "hello_too_large" "The hello exceeds the limit."
        NoSharedVersion = "no_shared_version" "No version in common."
        NoSharedSuite = "no_shared_suite" "No cipher suite in common."
        NoSharedGroup = "no_shared_group" "No key exchange group in common."
        NoSharedSignatureScheme = "no_shared_signature_scheme" "No certificate that the client can verify."
        NoSharedAlpn = "no_shared_alpn" "No application protocol in common."
        NoServerName = "no_server_name" "The hello names no server, and no site answers without a name."
        UnknownServerName = "unknown_server_name" "The name is none of ours."
        SiteQuarantined = "site_quarantined" "The name's site is in quarantine, with no good version to serve."
        ClientRejectedCertificate = "client_rejected_certificate" "The client said so by an alert."
        ClientCertificateMissing = "client_certificate_missing" "The site wants a client certificate."
        ClientCertificateInvalid = "client_certificate_invalid" "The client's certificate does not verify."
        ProtocolViolation = "protocol_violation" "The client broke the protocol."
        ReplayedEarlyData = "replayed_early_data" "Early data came twice."
        Overloaded = "overloaded" "The worker holds as many connections as it may."
        Timeout = "timeout" "The client was too slow."
        ClientClosed = "client_closed" "The client went away."
        Internal = "internal" "The edge failed."
    }
}

reasons! {
    /// Why TLS failed behind the handshake.
    TlsFailure {
        RecordUndecryptable = "record_undecryptable" "A record cannot be decrypted."
        RecordMalformed = "record_malformed" "A record or message cannot be read."
        MessageForbidden = "message_forbidden" "A message came that may not come there."
        MessageFlood = "message_flood" "What is allowed came without end."
        ClientAlerted = "client_alerted" "The client ended it by an alert."
        TlsInternal = "tls_internal" "The edge failed."
    }
}

reasons! {
    /// Why an HTTP/2 connection was ended by us.
    Http2Cutoff {
        CompressionMalformed = "compression_malformed" "A header block cannot be read."
        ContinuationFlood = "continuation_flood" "A header block came in too many frames."
        EmptyDataFlood = "empty_data_flood" "Too many DATA frames carried nothing."
        FlowControlViolated = "flow_control_violated" "More came than the windows allow."
        FrameSizeWrong = "frame_size_wrong" "A frame is too long, or not as long as its type says."
        HeaderBomb = "header_bomb" "A header block says far more than the limit."
        HeaderTimeout = "header_timeout" "A header block or another frame did not come whole in time."
        PingFlood = "ping_flood" "Too many pings."
        PriorityFlood = "priority_flood" "Too many priorities or frames of unknown types."
        ProtocolViolated = "protocol_violated" "A frame came that may not come there."
        RapidReset = "rapid_reset" "Too many streams ended as soon as they began."
        SettingsFlood = "settings_flood" "Too many settings."
        StreamClosed = "stream_closed" "A frame came on a stream that was closed."
        TooManyStreams = "too_many_streams" "More streams at once than allowed, again and again."
        WindowStalled = "window_stalled" "A response waited too long for the client's window."
        WindowUpdateFlood = "window_update_flood" "Too many updates of windows."
    }
}

reasons! {
    /// Why an upstream server did not answer a request.
    UpstreamFailure {
        ConnectRefused = "connect_refused" "Nothing listens there."
        ConnectFailed = "connect_failed" "No way there."
        NoAddress = "no_address" "The server's name leads to no address."
        ConnectTimeout = "connect_timeout" "The server did not accept in time."
        ResponseTimeout = "response_timeout" "The response did not begin in time."
        ClosedEarly = "closed_early" "The connection ended before the response did."
        ResponseMalformed = "response_malformed" "The response breaks the grammar of HTTP."
        ResponseTooLarge = "response_too_large" "The response's header is larger than the limits for headers."
        BodyTimeout = "body_timeout" "The response fell silent in its middle."
        NoServer = "no_server" "No server of the pool can be tried."
        PoolFull = "pool_full" "The pool has all the connections that a worker may hold of it."
    }
}
