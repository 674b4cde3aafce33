//! What crosses beside documents: requests and how they are read, answers, counters, events.
//!
//! Written by `make contract` from `src/port443/core/contract`.
#![allow(
    missing_docs,
    clippy::doc_markdown,
    clippy::match_same_arms,
    reason = "the words are those of the Python side, which documents what a name does not say"
)]

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;

use crate::error::Fault;
use crate::event::EventKind;
use crate::generated_values::{
    Alpn, ChallengeKind, CipherSuite, Group, HandshakeFailure, Http2Cutoff, QuarantineCode,
    RequestRefusal, TlsFailure, TlsVersion, UpstreamFailure,
};
use crate::hash::Hash;
use crate::names::{id, socket_address};
use crate::read::{Fields, integer, list, object, worker_index};

/// What a listening socket is for.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct SocketName {
    /// The listener's id.
    pub listener: String,
    /// The worker that accepts from it.
    pub worker: usize,
}

impl SocketName {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            listener: fields.take("listener", id)?,
            worker: fields.take("worker", worker_index)?,
        })
    }
}

/// The fields of `sockets`.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Sockets {
    /// What each descriptor is, in their order.
    pub sockets: Vec<SocketName>,
}

impl Sockets {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            sockets: fields.take("sockets", list(0..=253, object(SocketName::read)))?,
        })
    }
}

/// The fields of `take_sockets`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct TakeSockets {
    /// How many to skip: those that were sent already.
    pub after: u64,
}

impl TakeSockets {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            after: fields.take("after", integer(0..=9_007_199_254_740_991))?,
        })
    }
}

/// The fields of `expect`.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Expect {
    /// Where the control plane's own handshakes come from.
    pub peers: Vec<SocketAddr>,
}

impl Expect {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            peers: fields.take("peers", list(1..=1_024, socket_address))?,
        })
    }
}

/// The fields of `events`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Events {
    /// The number of the last event that is known already.
    pub since: u64,
}

impl Events {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            since: fields.take("since", integer(0..=9_007_199_254_740_991))?,
        })
    }
}

/// The fields of `drain`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Drain {
    /// The time for open connections.
    pub timeout_ms: u64,
}

impl Drain {
    pub(crate) fn read(fields: &mut Fields) -> Result<Self, Fault> {
        Ok(Self {
            timeout_ms: fields.take("timeout_ms", integer(0..=86_400_000))?,
        })
    }
}

/// Which workers hold a socket of a listener.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct ListenerWorkers {
    pub id: String,
    pub workers: Vec<usize>,
}

/// Which edge answers, and what it runs.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct EdgeIdentity {
    pub contract: u64,
    pub version: String,
    /// Another one after each start of the program.
    pub boot: String,
    pub pid: u64,
    pub workers: u64,
    /// The hash of the root that runs.
    pub running: Option<Hash>,
    pub epoch: u64,
    pub listeners: Vec<ListenerWorkers>,
    /// False when the runtime directory lies on a disk, where secrets should not be.
    pub boot_copy_in_memory: bool,
}

/// The answer to `take_sockets`; the descriptors come with it.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct SocketsSent {
    /// What each descriptor is, in their order.
    pub sockets: Vec<SocketName>,
    /// Whether there are more than one frame carries.
    pub more: bool,
}

/// The answer to `events`, before the first of them.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct EventsBegin {
    pub boot: String,
    /// The number of the oldest event that the edge still holds.
    pub oldest: u64,
}

/// The answer to `drain`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Draining {
    /// How many are open still.
    pub connections: u64,
}

/// Accepted since the edge started, and open now.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Connections {
    pub accepted: u64,
    pub open: u64,
}

/// Completed handshakes of one kind.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct HandshakeCount {
    pub version: TlsVersion,
    pub suite: CipherSuite,
    /// None when TLS 1.2 resumed a session: nothing was exchanged.
    pub group: Option<Group>,
    pub resumed: bool,
    pub count: u64,
}

/// How many values lie up to each bound; `counts` has one more, for those above the last.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Histogram {
    pub bounds: Vec<u64>,
    pub counts: Vec<u64>,
    pub sum: u64,
    pub count: u64,
}

/// Answered requests of one site and status class (`2xx`).
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct RequestCount {
    pub site: String,
    pub status_class: String,
    pub count: u64,
}

/// Bytes from and to clients.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct ByteCount {
    pub received: u64,
    pub sent: u64,
}

/// Connections to upstream servers, and failures by reason.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct UpstreamCounts {
    pub connections_open: u64,
    pub failures: BTreeMap<UpstreamFailure, u64>,
}

/// The resources of the edge's process.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct Memory {
    pub resident_bytes: u64,
    /// Of messages on their way, in the workers' buffers; as of when each worker last waited.
    pub buffered_bytes: u64,
}

/// The last event's number, and how many were lost before they got one.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct EventCounts {
    pub last: u64,
    pub dropped: u64,
}

/// All counters of one edge since its boot.
#[derive(Clone, PartialEq, Eq, Serialize, Debug, Hash)]
pub struct EdgeStats {
    pub boot: String,
    pub uptime_ms: u64,
    pub workers: u64,
    pub connections: Connections,
    pub handshakes: Vec<HandshakeCount>,
    pub handshake_failures: BTreeMap<HandshakeFailure, u64>,
    pub handshake_duration_us: Histogram,
    /// How often one was answered, by its kind.
    pub acme_challenges: BTreeMap<ChallengeKind, u64>,
    pub requests: Vec<RequestCount>,
    pub http2_cutoffs: BTreeMap<Http2Cutoff, u64>,
    pub bytes: ByteCount,
    pub upstream: UpstreamCounts,
    pub memory: Memory,
    pub events: EventCounts,
}

/// One thing that happened.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Event {
    /// The edge has started; its numbers start again.
    EdgeStarted,
    /// Another snapshot runs.
    SnapshotApplied {
        root: Hash,
    },
    /// A site of the snapshot could not be taken over.
    SiteQuarantined {
        site: String,
        code: QuarantineCode,
        path: String,
        message: String,
    },
    /// Connections are accepted on a listener.
    ListenerOpened {
        listener: String,
    },
    /// A listener left the snapshot, or the edge drains.
    ListenerClosed {
        listener: String,
    },
    /// A handshake completed; a sample, the counters hold all of them.
    HandshakeCompleted {
        listener: String,
        peer: SocketAddr,
        site: String,
        server_name: Option<String>,
        version: TlsVersion,
        suite: CipherSuite,
        /// None when TLS 1.2 resumed a session: nothing was exchanged.
        group: Option<Group>,
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
        /// A description of the failure.
        detail: String,
        /// The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in
        /// `detail`.
        alert: Option<String>,
    },
    /// An ACME server, or somebody who knows a pending challenge, was given its answer.
    AcmeChallengeAnswered {
        kind: ChallengeKind,
        site: String,
        listener: String,
        peer: SocketAddr,
    },
    /// TLS failed on a connection whose handshake had completed, by its client's fault or alert.
    TlsFailed {
        site: String,
        peer: SocketAddr,
        reason: TlsFailure,
        /// A description of the failure.
        detail: String,
        /// The TLS alert that the edge sent, by its name (RFC 8446 §6); the client's own is in
        /// `detail`.
        alert: Option<String>,
    },
    /// A request was answered by the edge itself, since it was wrong or for another site.
    RequestRefused {
        site: String,
        peer: SocketAddr,
        reason: RequestRefusal,
        status: u64,
    },
    /// An HTTP/2 connection was ended by the edge, since its client broke or strained the
    /// protocol.
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
        /// The status sent to the client; 0 when its response was already under way.
        status: u64,
    },
    /// An upstream server stopped answering.
    UpstreamWentDown {
        pool: String,
        server: String,
        reason: UpstreamFailure,
    },
    /// An upstream server answers again.
    UpstreamCameBack {
        pool: String,
        server: String,
    },
    /// Listeners are closed; open connections are being ended politely.
    DrainStarted,
    /// The last connection ended, or the time for draining has passed.
    DrainEnded,
    /// Events were dropped for this reader, which was too slow or started too late.
    EventsDropped {
        count: u64,
    },
    /// Events of one kind exceeded their rate, and were only counted.
    EventsSuppressed {
        /// The name of those events.
        event: String,
        reason: String,
        count: u64,
    },
}

impl Event {
    /// The kind, where clients can cause as many of it as they like.
    #[must_use]
    pub fn limited_kind(&self) -> Option<EventKind> {
        let (event, reason) = match self {
            Self::HandshakeFailed { reason, .. } => ("handshake_failed", reason.as_str()),
            Self::AcmeChallengeAnswered { kind, .. } => ("acme_challenge_answered", kind.as_str()),
            Self::TlsFailed { reason, .. } => ("tls_failed", reason.as_str()),
            Self::RequestRefused { reason, .. } => ("request_refused", reason.as_str()),
            Self::Http2CutOff { reason, .. } => ("http2_cut_off", reason.as_str()),
            Self::UpstreamFailed { reason, .. } => ("upstream_failed", reason.as_str()),
            _ => return None,
        };
        Some(EventKind { event, reason })
    }
}
