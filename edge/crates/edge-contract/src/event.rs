//! Events: what happened, in the past tense; the same as in `contract/events.schema.json`.

use std::net::SocketAddr;

use serde::Serialize;

use crate::generated_values::bounds::MAX_EVENT_TEXT;
use crate::generated_values::{
    Alpn, CipherSuite, HandshakeFailure, Http2Cutoff, QuarantineCode, RequestRefusal, TlsFailure,
    TlsVersion, UpstreamFailure,
};
use crate::hash::Hash;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the fields are those of the contract, described in core/contract/events.py"
)]
pub enum Event {
    /// The edge came up; its numbers start anew.
    EdgeStarted,
    /// Another snapshot runs.
    SnapshotApplied { root: Hash },
    /// A site of the snapshot could not be taken over.
    SiteQuarantined {
        site: String,
        code: QuarantineCode,
        path: String,
        message: String,
    },
    /// Connections are accepted on a listener.
    ListenerOpened { listener: String },
    /// A listener left the snapshot, or the edge drains.
    ListenerClosed { listener: String },
    /// A handshake completed; a sample, the counters hold all of them.
    HandshakeCompleted {
        listener: String,
        peer: SocketAddr,
        site: String,
        server_name: Option<String>,
        version: TlsVersion,
        suite: CipherSuite,
        /// Empty when TLS 1.2 resumed a session: nothing was exchanged.
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
    /// TLS failed on a connection whose handshake had completed.
    TlsFailed {
        site: String,
        peer: SocketAddr,
        reason: TlsFailure,
        detail: String,
        alert: Option<&'static str>,
    },
    /// A request was answered by the edge itself.
    RequestRefused {
        site: String,
        peer: SocketAddr,
        reason: RequestRefusal,
        status: u16,
    },
    /// An HTTP/2 connection was ended by us.
    Http2CutOff {
        site: String,
        peer: SocketAddr,
        reason: Http2Cutoff,
    },
    /// A request got no whole answer from its upstream server.
    UpstreamFailed {
        site: String,
        pool: String,
        server: String,
        reason: UpstreamFailure,
        status: u16,
    },
    /// An upstream server stopped answering.
    UpstreamWentDown {
        pool: String,
        server: String,
        reason: UpstreamFailure,
    },
    /// An upstream server answers again.
    UpstreamCameBack { pool: String, server: String },
    /// Listeners are closed; open connections are being ended politely.
    DrainStarted,
    /// The last connection ended, or the time for draining has passed.
    DrainEnded,
    /// Some events were lost.
    EventsDropped { count: u64 },
    /// So many events of one kind came at once that they were only counted.
    EventsSuppressed {
        event: &'static str,
        reason: &'static str,
        count: u64,
    },
}

/// What events that clients cause have in common when too many of them come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventKind {
    /// The name of those events.
    pub event: &'static str,
    /// Their reason.
    pub reason: &'static str,
}

impl Event {
    /// The kind, where clients can cause as many of it as they like.
    #[must_use]
    pub fn limited_kind(&self) -> Option<EventKind> {
        let (event, reason) = match self {
            Self::HandshakeFailed { reason, .. } => ("handshake_failed", reason.as_str()),
            Self::TlsFailed { reason, .. } => ("tls_failed", reason.as_str()),
            Self::RequestRefused { reason, .. } => ("request_refused", reason.as_str()),
            Self::Http2CutOff { reason, .. } => ("http2_cut_off", reason.as_str()),
            Self::UpstreamFailed { reason, .. } => ("upstream_failed", reason.as_str()),
            // Those of operators, samples, and those that a server's own state bounds.
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

/// Copy a text that a client may have chosen, cut where it exceeds what an event may hold.
#[must_use]
pub fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_EVENT_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
