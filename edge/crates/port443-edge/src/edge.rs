//! The edge as its control socket sees it: what runs, what it was told, and who works.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use edge_contract::bounds::CONTRACT;
use edge_contract::{
    ErrorCode, Event, Fault, Hash, Identity, ListenerWorkers, Part, Reply, SiteVerdict, Stats,
};
use edge_forward::Running;
use edge_observe::{EventLog, EventQueue, Observatory, StampedEvent};
use edge_proxy::{Worker, spawn_worker};
use tokio::sync::watch;

use crate::boot::BootCopy;
use crate::listening::Sockets;
use crate::memory::resident_bytes;
use crate::part_store::PartStore;

/// The whole state of the program outside the workers; lives on the main thread.
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
    /// When all connections must have ended; nothing while the edge serves.
    ending: watch::Sender<Option<Instant>>,
}

impl Edge {
    /// Start the workers; nothing is served until a snapshot and sockets come.
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
            ending: watch::Sender::new(None),
        };
        edge.tell(Event::EdgeStarted);
        Ok((edge, queue))
    }

    /// Who this is, and what runs.
    pub(crate) fn hello(&self, contract: Option<u64>) -> Result<Reply, Fault> {
        if contract.is_some_and(|contract| contract != CONTRACT) {
            let message = format!("this edge speaks contract {CONTRACT}");
            return Err(Fault::new(ErrorCode::ContractDiffers, message));
        }
        let line = |(id, workers): (&str, _)| ListenerWorkers {
            id: id.to_owned(),
            workers,
        };
        Ok(Reply::Hello(Identity {
            contract: CONTRACT,
            version: env!("CARGO_PKG_VERSION"),
            boot: self.boot.clone(),
            pid: std::process::id(),
            workers: self.workers.len(),
            running: self.running.load().root,
            epoch: self.epoch,
            listeners: self.sockets.workers().into_iter().map(line).collect(),
            boot_copy_in_memory: self.copy.is_in_memory(),
        }))
    }

    /// Keep parts until an apply needs them.
    pub(crate) fn put(&mut self, parts: Vec<(Hash, Part)>) -> Vec<Hash> {
        let stored = parts.iter().map(|(hash, _)| *hash).collect();
        self.parts.put(parts, Instant::now());
        stored
    }

    /// Take handshakes from these addresses for the control plane's own.
    pub(crate) fn expect(&self, peers: Vec<SocketAddr>) {
        self.observatory.expect(peers);
    }

    /// All counters.
    pub(crate) fn stats(&self) -> Stats {
        let running = self.running.load();
        self.observatory
            .stats(running.site_slots(), &self.log.borrow(), resident_bytes())
    }

    /// Clients' connections that are open now.
    pub(crate) fn connections_open(&self) -> u64 {
        self.observatory.connections_open()
    }

    /// Put an event into the log.
    pub(crate) fn tell(&self, event: Event) {
        self.log.borrow_mut().append(&StampedEvent::now(event));
    }

    /// Begin to end: within that time, or earlier when an earlier word said so.
    pub(crate) fn end_within(&self, within: Duration) {
        let deadline = Instant::now() + within;
        self.ending.send_if_modified(|ending| {
            let is_news = ending.is_none_or(|known| deadline < known);
            if is_news {
                *ending = Some(deadline);
            }
            is_news
        });
    }

    /// A watch on the end: changes when the edge begins to end, and when less time is left.
    pub(crate) fn ending(&self) -> watch::Receiver<Option<Instant>> {
        self.ending.subscribe()
    }

    /// Refuse what would begin something new while the edge ends.
    pub(crate) fn refuse_while_ending(&self) -> Result<(), Fault> {
        if self.ending.borrow().is_some() {
            return Err(Fault::new(ErrorCode::Draining, "the edge is ending"));
        }
        Ok(())
    }
}
