//! The reading side: sums up the counters of all workers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use edge_contract::{
    ByteCount, ChallengeKind, Connections, EdgeStats, EventCounts, HandshakeCount,
    HandshakeFailure, Histogram, Http2Cutoff, Memory, RequestCount, UpstreamCounts,
    UpstreamFailure,
};

use crate::channel::{EventQueue, EventSender, event_channel};
use crate::counter::Counter;
use crate::handshakes::Shape;
use crate::histogram::BOUNDS_US;
use crate::log::EventLog;
use crate::own_connections::OwnConnections;
use crate::sites::SiteSlots;
use crate::worker::{WorkerCounters, WorkerObserver};

/// The counters of all workers.
pub struct Observatory {
    boot: String,
    started: Instant,
    workers: Vec<Arc<WorkerCounters>>,
    own: Arc<OwnConnections>,
}

impl Observatory {
    /// Create counters for so many workers, an observer for each, and the queue of their events.
    #[must_use]
    pub fn new(boot: &str, workers: usize) -> (Self, Vec<WorkerObserver>, EventQueue) {
        let (sender, queue) = event_channel();
        let workers: Vec<Arc<WorkerCounters>> = (0..workers).map(|_| Arc::default()).collect();
        let own = Arc::<OwnConnections>::default();
        let observers = Self::observers(&workers, &sender, &own);
        (
            Self {
                boot: boot.to_owned(),
                started: Instant::now(),
                workers,
                own,
            },
            observers,
            queue,
        )
    }

    /// Do not count the next handshake from each of these addresses, which is the control plane's own. An
    /// address expires after 10 seconds.
    pub fn expect(&self, peers: Vec<SocketAddr>) {
        self.own.expect(peers, Instant::now());
    }

    fn observers(
        workers: &[Arc<WorkerCounters>],
        events: &EventSender,
        own: &Arc<OwnConnections>,
    ) -> Vec<WorkerObserver> {
        let observer = |(index, counters): (usize, &Arc<WorkerCounters>)| {
            WorkerObserver::new(index, Arc::clone(counters), events.clone(), Arc::clone(own))
        };
        workers.iter().enumerate().map(observer).collect()
    }

    /// The number of open client connections.
    #[must_use]
    pub fn connections_open(&self) -> u64 {
        self.difference(|worker| &worker.accepted, |worker| &worker.closed)
    }

    /// The values of all counters, as the document of the contract.
    #[must_use]
    pub fn stats(&self, sites: &SiteSlots, log: &EventLog, resident_bytes: u64) -> EdgeStats {
        EdgeStats {
            boot: self.boot.clone(),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            workers: self.workers.len() as u64,
            connections: Connections {
                accepted: self.difference(|worker| &worker.accepted, |worker| &worker.own),
                open: self.connections_open(),
            },
            handshakes: self.handshakes(),
            handshake_failures: self.handshake_failures(),
            handshake_duration_us: self.durations(),
            acme_challenges: self.acme_challenges(),
            requests: requests(sites),
            http2_cutoffs: self.http2_cutoffs(),
            bytes: ByteCount {
                received: self.total(|worker| &worker.bytes_received),
                sent: self.total(|worker| &worker.bytes_sent),
            },
            upstream: self.upstream(),
            memory: Memory {
                resident_bytes,
                buffered_bytes: self.total(|worker| &worker.bytes_buffered),
            },
            events: EventCounts {
                last: log.last(),
                dropped: log.dropped(),
            },
        }
    }

    fn total(&self, counter: impl Fn(&WorkerCounters) -> &Counter) -> u64 {
        self.workers
            .iter()
            .map(|worker| counter(worker).read())
            .sum()
    }

    fn difference(
        &self,
        opened: impl Fn(&WorkerCounters) -> &Counter,
        closed: impl Fn(&WorkerCounters) -> &Counter,
    ) -> u64 {
        // Read `closed` first: a connection that opens and closes in between must not make it negative.
        let closed = self.total(closed);
        self.total(opened).saturating_sub(closed)
    }

    fn handshakes(&self) -> Vec<HandshakeCount> {
        let count = |shape: Shape| HandshakeCount {
            version: shape.version,
            suite: shape.suite,
            group: shape.group,
            resumed: shape.resumed,
            count: self
                .workers
                .iter()
                .map(|worker| worker.handshakes.read(shape))
                .sum(),
        };
        Shape::all()
            .map(count)
            .filter(|line| line.count > 0)
            .collect()
    }

    fn handshake_failures(&self) -> BTreeMap<HandshakeFailure, u64> {
        let total =
            |reason: HandshakeFailure| self.total(|of| &of.handshake_failures[reason.index()]);
        nonzero(HandshakeFailure::ALL, total)
    }

    fn acme_challenges(&self) -> BTreeMap<ChallengeKind, u64> {
        let total = |kind: ChallengeKind| self.total(|of| &of.acme_challenges[kind.index()]);
        nonzero(ChallengeKind::ALL, total)
    }

    fn http2_cutoffs(&self) -> BTreeMap<Http2Cutoff, u64> {
        let total = |reason: Http2Cutoff| self.total(|of| &of.http2_cutoffs[reason.index()]);
        nonzero(Http2Cutoff::ALL, total)
    }

    fn upstream(&self) -> UpstreamCounts {
        let total =
            |reason: UpstreamFailure| self.total(|of| &of.upstream_failures[reason.index()]);
        UpstreamCounts {
            connections_open: self.difference(
                |worker| &worker.upstream_opened,
                |worker| &worker.upstream_closed,
            ),
            failures: nonzero(UpstreamFailure::ALL, total),
        }
    }

    fn durations(&self) -> Histogram {
        let mut counts = vec![0; BOUNDS_US.len() + 1];
        for worker in &self.workers {
            let add = |(total, count): (&mut u64, u64)| *total += count;
            counts
                .iter_mut()
                .zip(worker.handshake_durations.counts())
                .for_each(add);
        }
        Histogram {
            bounds: BOUNDS_US.to_vec(),
            sum: self
                .workers
                .iter()
                .map(|worker| worker.handshake_durations.sum())
                .sum(),
            count: counts.iter().sum(),
            counts,
        }
    }
}

fn requests(sites: &SiteSlots) -> Vec<RequestCount> {
    let of_site = |(id, slot): (&String, &crate::sites::SiteSlot)| {
        let line = |(status_class, count): (&str, u64)| RequestCount {
            site: id.clone(),
            status_class: status_class.to_owned(),
            count,
        };
        slot.counts().map(line).collect::<Vec<_>>()
    };
    sites.iter().flat_map(of_site).collect()
}

/// What happened at all, of a closed set.
fn nonzero<T: Copy + Ord>(all: &[T], total: impl Fn(T) -> u64) -> BTreeMap<T, u64> {
    let counts = all.iter().map(|it| (*it, total(*it)));
    counts.filter(|(_, count)| *count > 0).collect()
}
