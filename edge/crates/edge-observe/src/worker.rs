//! The counters of one worker: the worker writes, the main thread reads.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_contract::{
    Alpn, ChallengeKind, CipherSuite, Event, Group, HandshakeFailure, Http2Cutoff, RequestRefusal,
    TlsFailure, TlsVersion, UpstreamFailure, bounded,
};

use crate::channel::EventSender;
use crate::counter::Counter;
use crate::handshakes::{HandshakeTable, Shape};
use crate::histogram::Histogram;
use crate::own_connections::OwnConnections;
use crate::sites::SiteSlot;

/// The interval in which at most one completed handshake becomes an event. All are counted.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// The counters of one worker, written only by its [`WorkerObserver`].
#[derive(Default)]
pub(crate) struct WorkerCounters {
    pub(crate) accepted: Counter,
    pub(crate) closed: Counter,
    /// Accepted connections that were the control plane's own.
    pub(crate) own: Counter,
    pub(crate) handshakes: HandshakeTable,
    pub(crate) handshake_failures: [Counter; HandshakeFailure::ALL.len()],
    pub(crate) acme_challenges: [Counter; ChallengeKind::ALL.len()],
    pub(crate) http2_cutoffs: [Counter; Http2Cutoff::ALL.len()],
    pub(crate) handshake_durations: Histogram,
    pub(crate) bytes_received: Counter,
    pub(crate) bytes_sent: Counter,
    pub(crate) bytes_buffered: Counter,
    pub(crate) upstream_opened: Counter,
    pub(crate) upstream_closed: Counter,
    pub(crate) upstream_failures: [Counter; UpstreamFailure::ALL.len()],
}

/// The writing side of one worker's counters, and the sender of its events.
///
/// Each worker has one, and it is not `Sync`, so every counter has one writer.
pub struct WorkerObserver {
    index: usize,
    counters: Arc<WorkerCounters>,
    events: EventSender,
    own: Arc<OwnConnections>,
    sampled_at: Cell<Option<Instant>>,
}

/// The number of bytes that a worker's connections hold in buffers; written by the worker's thread only.
pub struct BufferedBytes(Arc<WorkerCounters>);

impl BufferedBytes {
    /// Set the number of bytes.
    pub fn set(&self, bytes: usize) {
        self.0.bytes_buffered.set(bytes as u64);
    }
}

/// A handshake that completed.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct HandshakeRecord<'a> {
    pub listener: &'a str,
    pub peer: SocketAddr,
    pub site: &'a str,
    pub server_name: Option<&'a str>,
    pub version: TlsVersion,
    pub suite: CipherSuite,
    /// `None` if TLS 1.2 resumed a session, which has no key exchange.
    pub group: Option<Group>,
    pub alpn: Option<Alpn>,
    pub resumed: bool,
    pub duration: Duration,
}

/// A handshake that did not complete.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct HandshakeFault<'a> {
    pub listener: &'a str,
    pub peer: SocketAddr,
    pub server_name: Option<&'a str>,
    pub reason: HandshakeFailure,
    /// The cause as text.
    pub detail: &'a str,
    /// The name of the alert that was sent.
    pub alert: Option<&'a str>,
}

/// A request to which its upstream server sent no complete response.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the names of the fields are enough")]
pub struct UpstreamFault<'a> {
    pub site: &'a str,
    pub pool: &'a str,
    pub server: &'a str,
    pub reason: UpstreamFailure,
    /// The status that the client was sent; 0 if the response had already begun.
    pub status: u16,
}

impl WorkerObserver {
    pub(crate) fn new(
        index: usize,
        counters: Arc<WorkerCounters>,
        events: EventSender,
        own: Arc<OwnConnections>,
    ) -> Self {
        Self {
            index,
            counters,
            events,
            own,
            sampled_at: Cell::new(None),
        }
    }

    /// A client's connection was accepted.
    pub fn connection_opened(&self) {
        self.counters.accepted.add(1);
    }

    /// A client's connection ended.
    pub fn connection_closed(&self) {
        self.counters.closed.add(1);
    }

    /// Bytes were received from a client.
    pub fn bytes_received(&self, count: usize) {
        self.counters.bytes_received.add(count as u64);
    }

    /// Bytes were sent to a client.
    pub fn bytes_sent(&self, count: usize) {
        self.counters.bytes_sent.add(count as u64);
    }

    /// The counter of buffered bytes, for this worker's thread.
    #[must_use]
    pub fn bytes_buffered(&self) -> BufferedBytes {
        BufferedBytes(Arc::clone(&self.counters))
    }

    /// A client's handshake completed. At most one in a second becomes an event.
    pub fn handshake_completed(&self, record: HandshakeRecord<'_>) {
        if self.is_own(record.peer) {
            return;
        }
        let HandshakeRecord {
            version,
            suite,
            group,
            resumed,
            ..
        } = record;
        self.counters.handshakes.count(Shape {
            version,
            suite,
            group,
            resumed,
        });
        self.counters
            .handshake_durations
            .record(microseconds(record.duration));
        if self.is_sample_due() {
            self.events.send(|| completed(record));
        }
    }

    /// Whether a handshake is the control plane's own. If so, its connection is counted as such.
    fn is_own(&self, peer: SocketAddr) -> bool {
        let is_own = self.own.take(peer);
        if is_own {
            self.counters.own.add(1);
        }
        is_own
    }

    /// A client's handshake did not complete.
    pub fn handshake_failed(&self, fault: HandshakeFault<'_>) {
        if self.is_own(fault.peer) {
            return;
        }
        self.counters.handshake_failures[fault.reason.index()].add(1);
        self.events.send(|| failed(fault));
    }

    /// An ACME server was given the answer to a challenge of a site.
    pub fn challenge_answered(
        &self,
        kind: ChallengeKind,
        site: &str,
        listener: &str,
        peer: SocketAddr,
    ) {
        if self.is_own(peer) {
            return;
        }
        self.counters.acme_challenges[kind.index()].add(1);
        self.events.send(|| Event::AcmeChallengeAnswered {
            kind,
            site: bounded(site),
            listener: bounded(listener),
            peer,
        });
    }

    /// TLS failed after the handshake; `alert` is the name of the alert that was sent.
    pub fn tls_failed(
        &self,
        (site, peer): (&str, SocketAddr),
        reason: TlsFailure,
        detail: &str,
        alert: Option<&'static str>,
    ) {
        self.events.send(|| Event::TlsFailed {
            site: bounded(site),
            peer,
            reason,
            detail: bounded(detail),
            alert: alert.map(str::to_owned),
        });
    }

    /// A request of a site was answered with that status.
    pub fn request_answered(&self, site: &SiteSlot, status: u16) {
        site.count(self.index, status);
    }

    /// The edge itself sent an error response: the request was malformed or for another site.
    pub fn request_refused(
        &self,
        site: &str,
        peer: SocketAddr,
        reason: RequestRefusal,
        status: u16,
    ) {
        self.events.send(|| Event::RequestRefused {
            site: bounded(site),
            peer,
            reason,
            status: status.into(),
        });
    }

    /// The edge closed an HTTP/2 connection because the client exceeded a limit.
    pub fn http2_cut_off(&self, site: &str, peer: SocketAddr, reason: Http2Cutoff) {
        self.counters.http2_cutoffs[reason.index()].add(1);
        self.events.send(|| Event::Http2CutOff {
            site: bounded(site),
            peer,
            reason,
        });
    }

    /// A connection to an upstream server was opened.
    pub fn upstream_opened(&self) {
        self.counters.upstream_opened.add(1);
    }

    /// A connection to an upstream server ended.
    pub fn upstream_closed(&self) {
        self.counters.upstream_closed.add(1);
    }

    /// An upstream server sent no complete response to a request.
    pub fn upstream_failed(&self, fault: UpstreamFault<'_>) {
        self.counters.upstream_failures[fault.reason.index()].add(1);
        self.events.send(|| Event::UpstreamFailed {
            site: bounded(fault.site),
            pool: bounded(fault.pool),
            server: bounded(fault.server),
            reason: fault.reason,
            status: fault.status.into(),
        });
    }

    /// The circuit breaker of an upstream server opened.
    pub fn upstream_went_down(&self, pool: &str, server: &str, reason: UpstreamFailure) {
        let (pool, server) = (bounded(pool), bounded(server));
        self.events.send(|| Event::UpstreamWentDown {
            pool,
            server,
            reason,
        });
    }

    /// The circuit breaker of an upstream server closed.
    pub fn upstream_came_back(&self, pool: &str, server: &str) {
        let (pool, server) = (bounded(pool), bounded(server));
        self.events
            .send(|| Event::UpstreamCameBack { pool, server });
    }

    fn is_sample_due(&self) -> bool {
        let now = Instant::now();
        let due = self
            .sampled_at
            .get()
            .is_none_or(|last| now.duration_since(last) >= SAMPLE_INTERVAL);
        if due {
            self.sampled_at.set(Some(now));
        }
        due
    }
}

fn completed(record: HandshakeRecord<'_>) -> Event {
    Event::HandshakeCompleted {
        listener: bounded(record.listener),
        peer: record.peer,
        site: bounded(record.site),
        server_name: record.server_name.map(bounded),
        version: record.version,
        suite: record.suite,
        group: record.group,
        alpn: record.alpn,
        resumed: record.resumed,
        duration_us: microseconds(record.duration),
    }
}

fn failed(fault: HandshakeFault<'_>) -> Event {
    Event::HandshakeFailed {
        listener: bounded(fault.listener),
        peer: fault.peer,
        server_name: fault.server_name.map(bounded),
        reason: fault.reason,
        detail: bounded(fault.detail),
        alert: fault.alert.map(bounded),
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
