//! All counters as one document; the same shape as in `core/contract/stats.py`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::generated_values::{CipherSuite, TlsVersion};

/// All counters of one edge since its boot.
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
    pub requests: Vec<RequestCount>,
    pub http2_cutoffs: BTreeMap<&'static str, u64>,
    pub bytes: ByteCount,
    pub upstream: UpstreamCounts,
    pub memory: Memory,
    pub events: EventCounts,
}

/// Accepted since the start, and open now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct Connections {
    pub accepted: u64,
    pub open: u64,
}

/// Completed handshakes of one shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct HandshakeCount {
    pub version: TlsVersion,
    pub suite: CipherSuite,
    pub group: &'static str,
    pub resumed: bool,
    pub count: u64,
}

/// How many durations lie up to each bound; one more count for those above the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct Histogram {
    pub bounds: Vec<u64>,
    pub counts: Vec<u64>,
    pub sum: u64,
    pub count: u64,
}

/// Answered requests of one site and status class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct RequestCount {
    pub site: String,
    pub status_class: &'static str,
    pub count: u64,
}

/// Bytes from and to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct ByteCount {
    pub received: u64,
    pub sent: u64,
}

/// Connections to upstream servers, and what went wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct UpstreamCounts {
    pub connections_open: u64,
    pub failures: BTreeMap<&'static str, u64>,
}

/// What the process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct Memory {
    pub resident_bytes: u64,
    /// Of messages on their way, in the workers' buffers.
    pub buffered_bytes: u64,
}

/// The last event's number, and how many were lost before they got one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct EventCounts {
    pub last: u64,
    pub dropped: u64,
}
