//! All counters as one document, with the fields of `core/contract/stats.py`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::generated_values::{CipherSuite, TlsVersion};

/// All counters of an edge since it started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the contract, described in core/contract/stats.py"
)]
pub struct Stats {
    pub boot: String,
    pub uptime_ms: u64,
    pub workers: usize,
    pub connections: Connections,
    pub handshakes: Vec<HandshakeCount>,
    pub handshake_failures: BTreeMap<&'static str, u64>,
    pub handshake_duration_us: Histogram,
    pub acme_challenges: BTreeMap<&'static str, u64>,
    pub requests: Vec<RequestCount>,
    pub http2_cutoffs: BTreeMap<&'static str, u64>,
    pub bytes: ByteCount,
    pub upstream: UpstreamCounts,
    pub memory: Memory,
    pub events: EventCounts,
}

/// Client connections that were accepted since the start, and that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct Connections {
    pub accepted: u64,
    pub open: u64,
}

/// Completed handshakes with the same parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct HandshakeCount {
    pub version: TlsVersion,
    pub suite: CipherSuite,
    pub group: &'static str,
    pub resumed: bool,
    pub count: u64,
}

/// The number of durations up to each bound, and one more count for those above the last bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct Histogram {
    pub bounds: Vec<u64>,
    pub counts: Vec<u64>,
    pub sum: u64,
    pub count: u64,
}

/// Requests of one site that were answered with one status class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct RequestCount {
    pub site: String,
    pub status_class: &'static str,
    pub count: u64,
}

/// Bytes received from and sent to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct ByteCount {
    pub received: u64,
    pub sent: u64,
}

/// Connections to upstream servers, and failures by reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct UpstreamCounts {
    pub connections_open: u64,
    pub failures: BTreeMap<&'static str, u64>,
}

/// The memory use of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct Memory {
    pub resident_bytes: u64,
    /// Bytes in the workers' buffers.
    pub buffered_bytes: u64,
}

/// The number of the last event, and how many events were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct EventCounts {
    pub last: u64,
    pub dropped: u64,
}
