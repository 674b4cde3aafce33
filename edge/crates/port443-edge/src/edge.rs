//! The state of the main thread: the running snapshot, its parts, sockets and workers.
//!
//! The verbs of the control socket are methods of [`Edge`], here and in `apply`. This
//! module must not know frames.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use edge_contract::bounds::CONTRACT;
use edge_contract::{
    EdgeIdentity, EdgeStats, ErrorCode, Event, Fault, Hash, ListenerWorkers, Part, SiteVerdict,
};
use edge_forward::Running;
use edge_observe::{EventLog, EventQueue, Observatory, StampedEvent};
use edge_proxy::{Worker, spawn_worker};
use tokio::sync::watch;

use crate::boot::BootCopy;
use crate::memory::resident_bytes;
use crate::part_store::PartStore;
use crate::sockets::Sockets;

/// The state of the program outside the workers; used on the main thread only.
pub(crate) struct Edge {
    pub(crate) boot: String,
    pub(crate) running: Arc<ArcSwap<Running>>,
    pub(crate) parts: PartStore,
    pub(crate) epoch: u64,
    pub(crate) verdicts: BTreeMap<String, SiteVerdict>,
    pub(crate) sockets: Sockets,
    pub(crate) workers: Vec<Worker>,
    pub(crate) log: Rc<RefCell<EventLog>>,
    pub(crate) copy: BootCopy,
    observatory: Observatory,
    /// When all connections must be closed; `None` until a drain begins.
    drain_deadline: watch::Sender<Option<Instant>>,
}

impl Edge {
    /// Start the workers. They serve once a snapshot is applied and sockets are added.
    pub(crate) fn start(
        boot: String,
        workers: usize,
        copy: BootCopy,
    ) -> std::io::Result<(Self, EventQueue)> {
        let (observatory, observers, queue) = Observatory::new(&boot, workers);
        let running = Arc::new(ArcSwap::from_pointee(Running::default()));
        let spawn = |(index, observer)| spawn_worker(index, Arc::clone(&running), observer);
        let workers = observers
            .into_iter()
            .enumerate()
            .map(spawn)
            .collect::<Result<_, _>>()?;
        let edge = Self {
            log: Rc::new(RefCell::new(EventLog::new(&boot))),
            boot,
            running,
            parts: PartStore::default(),
            epoch: 0,
            verdicts: BTreeMap::new(),
            sockets: Sockets::default(),
            workers,
            copy,
            observatory,
            drain_deadline: watch::Sender::new(None),
        };
        edge.record(Event::EdgeStarted);
        Ok((edge, queue))
    }

    /// Who this is, and what runs.
    pub(crate) fn identity(&self) -> EdgeIdentity {
        let line = |(id, workers): (&str, BTreeSet<usize>)| ListenerWorkers {
            id: id.to_owned(),
            workers: workers.into_iter().collect(),
        };
        EdgeIdentity {
            contract: CONTRACT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            boot: self.boot.clone(),
            pid: std::process::id().into(),
            workers: self.workers.len() as u64,
            running: self.running.load().root,
            epoch: self.epoch,
            listeners: self.sockets.workers().into_iter().map(line).collect(),
            boot_copy_in_memory: self.copy.is_in_memory(),
        }
    }

    /// Store parts for a later apply; return their hashes.
    pub(crate) fn put(&mut self, parts: Vec<(Hash, Part)>) -> Vec<Hash> {
        let stored = parts.iter().map(|(hash, _)| *hash).collect();
        self.parts.put(parts, Instant::now());
        stored
    }

    /// Count the next connections from these addresses as the control plane's own handshakes.
    pub(crate) fn expect(&self, peers: Vec<SocketAddr>) {
        self.observatory.expect(peers);
    }

    /// The values of all counters.
    pub(crate) fn stats(&self) -> EdgeStats {
        let running = self.running.load();
        self.observatory
            .stats(running.site_slots(), &self.log.borrow(), resident_bytes())
    }

    /// The number of open client connections.
    pub(crate) fn connections_open(&self) -> u64 {
        self.observatory.connections_open()
    }

    /// Append an event to the log.
    pub(crate) fn record(&self, event: Event) {
        self.log.borrow_mut().append(&StampedEvent::now(event));
    }

    /// Begin to drain, with this time for open connections. A running drain is only ever shortened.
    pub(crate) fn drain_within(&self, within: Duration) {
        let deadline = Instant::now() + within;
        self.drain_deadline.send_if_modified(|drain_deadline| {
            let is_earlier = drain_deadline.is_none_or(|current| deadline < current);
            if is_earlier {
                *drain_deadline = Some(deadline);
            }
            is_earlier
        });
    }

    /// Watch the drain deadline: it changes when a drain begins, and when it is shortened.
    pub(crate) fn drain_deadline(&self) -> watch::Receiver<Option<Instant>> {
        self.drain_deadline.subscribe()
    }

    /// Return an error if the edge is draining.
    pub(crate) fn refuse_while_draining(&self) -> Result<(), Fault> {
        if self.drain_deadline.borrow().is_some() {
            return Err(Fault::new(ErrorCode::Draining, "the edge is draining"));
        }
        Ok(())
    }
}
