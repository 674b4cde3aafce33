//! What one worker has seen: the worker writes, the main thread reads.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use edge_contract::{
    Alpn, CipherSuite, Event, Group, HandshakeFailure, Http2Cutoff, RequestRefusal, TlsFailure,
    TlsVersion, UpstreamFailure, bounded,
};

use crate::channel::EventSender;
use crate::counter::Counter;
use crate::handshakes::{HandshakeTable, Shape};
use crate::histogram::Histogram;
use crate::own_connections::OwnConnections;
use crate::sites::SiteSlot;

/// Completed handshakes are logged once in so long; the counters hold all of them.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// The numbers of one worker; written through its [`WorkerObserver`] alone.
#[derive(Default)]
pub(crate) struct WorkerCounters {
    pub(crate) accepted: Counter,
    pub(crate) closed: Counter,
    /// Those of the accepted ones that were the control plane's.
    pub(crate) own: Counter,
    pub(crate) handshakes: HandshakeTable,
    pub(crate) handshake_failures: [Counter; HandshakeFailure::ALL.len()],
    pub(crate) http2_cutoffs: [Counter; Http2Cutoff::ALL.len()],
    pub(crate) handshake_durations: Histogram,
    pub(crate) bytes_received: Counter,
    pub(crate) bytes_sent: Counter,
    pub(crate) bytes_buffered: Counter,
    pub(crate) upstream_opened: Counter,
    pub(crate) upstream_closed: Counter,
    pub(crate) upstream_failures: [Counter; UpstreamFailure::ALL.len()],
}

/// The writing side of one worker's numbers, and its way into the event log.
///
/// There is one for each worker and it cannot be shared, so every counter has one writer.
pub struct WorkerObserver {
    index: usize,
    counters: Arc<WorkerCounters>,
    events: EventSender,
    own: Arc<OwnConnections>,
    sampled_at: Cell<Option<Instant>>,
}

/// The place for what a worker's connections hold in buffers, written by that worker's thread alone.
pub struct BufferedBytes(Arc<WorkerCounters>);

impl BufferedBytes {
    /// It is so much now.
    pub fn set(&self, bytes: usize) {
        self.0.bytes_buffered.set(bytes as u64);
    }
}

/// A handshake that completed.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct HandshakeRecord<'a> {
    pub listener: &'a str,
    pub peer: SocketAddr,
    pub site: &'a str,
    pub server_name: Option<&'a str>,
    pub version: TlsVersion,
    pub suite: CipherSuite,
    /// `None` when TLS 1.2 resumed a session: nothing was exchanged.
    pub group: Option<Group>,
    pub alpn: Option<Alpn>,
    pub resumed: bool,
    pub duration: Duration,
}

/// A handshake that did not complete.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct HandshakeFault<'a> {
    pub listener: &'a str,
    pub peer: SocketAddr,
    pub server_name: Option<&'a str>,
    pub reason: HandshakeFailure,
    /// What happened, in words.
    pub detail: &'a str,
    /// The alert that was sent, by its name.
    pub alert: Option<&'a str>,
}

/// A request that got no whole answer from its upstream server.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each field says its name")]
pub struct UpstreamFault<'a> {
    pub site: &'a str,
    pub pool: &'a str,
    pub server: &'a str,
    pub reason: UpstreamFailure,
    /// The status that the client got; 0 when its response was already under way.
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

    /// Bytes came from a client.
    pub fn bytes_received(&self, count: usize) {
        self.counters.bytes_received.add(count as u64);
    }

    /// Bytes went to a client.
    pub fn bytes_sent(&self, count: usize) {
        self.counters.bytes_sent.add(count as u64);
    }

    /// Where this worker's thread tells what its connections hold in buffers.
    #[must_use]
    pub fn bytes_buffered(&self) -> BufferedBytes {
        BufferedBytes(Arc::clone(&self.counters))
    }

    /// A client's handshake completed; the first of each second becomes an event.
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
        if self.is_time_for_a_sample() {
            self.events.send(|| completed(record));
        }
    }

    /// Whether a handshake is the control plane's; its connection is not a client's then.
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

    /// TLS failed behind the handshake; `alert` is the name of the one that was sent.
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
            alert,
        });
    }

    /// A request of a site was answered with that status.
    pub fn request_answered(&self, site: &SiteSlot, status: u16) {
        site.count(self.index, status);
    }

    /// A request was answered by the edge itself, since it was wrong or for another site.
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
            status,
        });
    }

    /// An HTTP/2 connection was ended by us.
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

    /// A request got no whole answer from its upstream server.
    pub fn upstream_failed(&self, fault: UpstreamFault<'_>) {
        self.counters.upstream_failures[fault.reason.index()].add(1);
        self.events.send(|| Event::UpstreamFailed {
            site: bounded(fault.site),
            pool: bounded(fault.pool),
            server: bounded(fault.server),
            reason: fault.reason,
            status: fault.status,
        });
    }

    /// An upstream server stopped answering.
    pub fn upstream_went_down(&self, pool: &str, server: &str, reason: UpstreamFailure) {
        let (pool, server) = (bounded(pool), bounded(server));
        self.events.send(|| Event::UpstreamWentDown {
            pool,
            server,
            reason,
        });
    }

    /// An upstream server answers again.
    pub fn upstream_came_back(&self, pool: &str, server: &str) {
        let (pool, server) = (bounded(pool), bounded(server));
        self.events
            .send(|| Event::UpstreamCameBack { pool, server });
    }

    fn is_time_for_a_sample(&self) -> bool {
        let now = Instant::now();
        let due = self
            .sampled_at
            .get()
            .is_none_or(|last| now.duration_since(last) >= SAMPLE_EVERY);
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
        group: record.group.map_or("", Group::as_str),
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
