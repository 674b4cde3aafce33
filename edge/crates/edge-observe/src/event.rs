//! Events: what happened, in the past tense; the same as in `contract/events.schema.json`.

use std::net::SocketAddr;

use edge_snapshot::{Alpn, CipherSuite, Hash, TlsVersion};
use serde::Serialize;

use crate::reasons::{HandshakeFailure, Http2Cutoff, UpstreamFailure};

/// The longest text that a stranger can bring into an event, in bytes.
const MAX_TEXT: usize = 512;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the fields are those of the contract, described in core/plan/events.py"
)]
pub enum Event {
    /// The edge came up; its numbers start anew.
    EdgeStarted,
    /// Another snapshot runs.
    SnapshotApplied { root: Hash },
    /// A site of the snapshot could not be taken over.
    SiteQuarantined {
        site: String,
        code: &'static str,
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
    /// A request was answered by the edge itself.
    RequestRefused {
        site: String,
        peer: SocketAddr,
        reason: String,
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
}

/// Copy a text that a stranger may have chosen, cut where it exceeds what an event may hold.
pub(crate) fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
