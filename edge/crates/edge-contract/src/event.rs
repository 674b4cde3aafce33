//! The events of the edge, as in `contract/events.schema.json`. Names are in the past tense.

use std::net::SocketAddr;

use serde::Serialize;

use crate::generated_values::bounds::MAX_EVENT_TEXT;
use crate::generated_values::{
    Alpn, ChallengeKind, CipherSuite, HandshakeFailure, Http2Cutoff, QuarantineCode,
    RequestRefusal, TlsFailure, TlsVersion, UpstreamFailure,
};
use crate::hash::Hash;

/// An event, without its number, boot and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the fields are those of the contract, described in core/contract/events.py"
)]
pub enum Event {
    /// The edge started. Events are numbered from 1 again.
    EdgeStarted,
    /// Another snapshot is running.
    SnapshotApplied { root: Hash },
    /// A site of the snapshot cannot be served as it is.
    SiteQuarantined {
        site: String,
        code: QuarantineCode,
        path: String,
        message: String,
    },
    /// Connections are accepted on a listener.
    ListenerOpened { listener: String },
    /// A listener is not in the new snapshot, or the edge drains.
    ListenerClosed { listener: String },
    /// A handshake completed. Only a sample of them are events; all are counted.
    HandshakeCompleted {
        listener: String,
        peer: SocketAddr,
        site: String,
        server_name: Option<String>,
        version: TlsVersion,
        suite: CipherSuite,
        /// Empty if TLS 1.2 resumed a session, which has no key exchange.
        group: &'static str,
        alpn: Option<Alpn>,
        resumed: bool,
        duration_us: u64,
    },
    /// A handshake did not complete.
    HandshakeFailed {
        listener: String,
        peer: SocketAddr,
        server_name: Option<String>,
        reason: HandshakeFailure,
        detail: String,
        alert: Option<String>,
    },
    /// An ACME server was given the answer to a challenge.
    AcmeChallengeAnswered {
        kind: ChallengeKind,
        site: String,
        listener: String,
        peer: SocketAddr,
    },
    /// TLS failed on a connection whose handshake had completed.
    TlsFailed {
        site: String,
        peer: SocketAddr,
        reason: TlsFailure,
        detail: String,
        alert: Option<&'static str>,
    },
    /// The edge itself sent an error response to a request.
    RequestRefused {
        site: String,
        peer: SocketAddr,
        reason: RequestRefusal,
        status: u16,
    },
    /// The edge closed an HTTP/2 connection because the client exceeded a limit.
    Http2CutOff {
        site: String,
        peer: SocketAddr,
        reason: Http2Cutoff,
    },
    /// An upstream server sent no complete response to a request.
    UpstreamFailed {
        site: String,
        pool: String,
        server: String,
        reason: UpstreamFailure,
        status: u16,
    },
    /// The circuit breaker of an upstream server opened.
    UpstreamWentDown {
        pool: String,
        server: String,
        reason: UpstreamFailure,
    },
    /// The circuit breaker of an upstream server closed.
    UpstreamCameBack { pool: String, server: String },
    /// Listeners are closed, and open connections are being closed gracefully.
    DrainStarted,
    /// The last connection was closed, or the drain timed out.
    DrainEnded,
    /// Events were dropped.
    EventsDropped { count: u64 },
    /// Events of one kind exceeded the rate limit and were only counted.
    EventsSuppressed {
        event: &'static str,
        reason: &'static str,
        count: u64,
    },
}

/// The name and reason by which events are rate limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKind {
    /// The name of those events.
    pub event: &'static str,
    /// Their reason.
    pub reason: &'static str,
}

impl Event {
    /// The kind, if clients can cause any number of such events.
    #[must_use]
    pub fn limited_kind(&self) -> Option<EventKind> {
        let (event, reason) = match self {
            Self::HandshakeFailed { reason, .. } => ("handshake_failed", reason.as_str()),
            Self::AcmeChallengeAnswered { kind, .. } => ("acme_challenge_answered", kind.as_str()),
            Self::TlsFailed { reason, .. } => ("tls_failed", reason.as_str()),
            Self::RequestRefused { reason, .. } => ("request_refused", reason.as_str()),
            Self::Http2CutOff { reason, .. } => ("http2_cut_off", reason.as_str()),
            Self::UpstreamFailed { reason, .. } => ("upstream_failed", reason.as_str()),
            // Caused by operators, sampled already, or bounded by the state of a server.
            Self::EdgeStarted
            | Self::SnapshotApplied { .. }
            | Self::SiteQuarantined { .. }
            | Self::ListenerOpened { .. }
            | Self::ListenerClosed { .. }
            | Self::HandshakeCompleted { .. }
            | Self::UpstreamWentDown { .. }
            | Self::UpstreamCameBack { .. }
            | Self::DrainStarted
            | Self::DrainEnded
            | Self::EventsDropped { .. }
            | Self::EventsSuppressed { .. } => return None,
        };
        Some(EventKind { event, reason })
    }
}

/// Copy a text that a client may have chosen, truncated to `MAX_EVENT_TEXT` bytes.
#[must_use]
pub fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_EVENT_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
