//! One worker's connections to the servers of pools: which server is next, and what is kept for it.

mod demand;
mod permits;
mod server;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use edge_contract::{Pool, UpstreamFailure};
use edge_observe::WorkerObserver;
use tokio::time::{Instant, sleep};

use crate::health::Candidates;
use crate::pool::PoolRuntime;
use permits::ConnectionLimit;
pub use server::ServerConnection;
use server::WorkerServer;

/// How often idle connections are looked after.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A pool that was not used for so many sweeps and holds nothing is forgotten.
const FORGOTTEN_AFTER: u32 = 60;

/// The pools that a worker has used lately.
///
/// A pool that stays the same over an apply keeps its connections; another one begins anew, and what
/// the old one holds ends with its idle time.
pub struct WorkerPools(Rc<Shared>);

struct Shared {
    observer: Rc<WorkerObserver>,
    /// By the address of the pool's runtime, which each of them keeps alive.
    pools: RefCell<HashMap<usize, Rc<WorkerPool>>>,
    is_swept: Cell<bool>,
}

/// One pool, as one worker uses it.
pub(crate) struct WorkerPool {
    runtime: Arc<PoolRuntime>,
    servers: Vec<Rc<WorkerServer>>,
    limit: ConnectionLimit,
    next_server: Cell<usize>,
    sweeps_since_use: Cell<u32>,
}

/// What may be done with a request that gets lost on an idle connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It was lost once already: only a new connection will do.
    Never,
    /// It can be sent again.
    Repeatable,
    /// It cannot.
    Unrepeatable,
}

/// No server of a pool could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// The server that was tried last.
    pub(crate) server: Option<usize>,
    /// Why not.
    pub(crate) reason: UpstreamFailure,
}

impl WorkerPools {
    /// No pools yet.
    #[must_use]
    pub fn new(observer: Rc<WorkerObserver>) -> Self {
        Self(Rc::new(Shared {
            observer,
            pools: RefCell::default(),
            is_swept: Cell::new(false),
        }))
    }

    /// This worker's connections to the servers of a pool.
    pub(crate) fn pool(&self, runtime: &Arc<PoolRuntime>) -> Rc<WorkerPool> {
        let key = Arc::as_ptr(runtime).addr();
        if let Some(pool) = self.0.pools.borrow().get(&key) {
            pool.sweeps_since_use.set(0);
            return Rc::clone(pool);
        }
        let pool = Rc::new(WorkerPool::new(Arc::clone(runtime), &self.0.observer));
        self.0.pools.borrow_mut().insert(key, Rc::clone(&pool));
        if !self.0.is_swept.replace(true) {
            tokio::task::spawn_local(sweep(Rc::downgrade(&self.0)));
        }
        pool
    }
}

impl Shared {
    /// Look after every pool once; `false` when there is none left.
    fn sweep_once(&self) -> bool {
        let mut pools = self.pools.borrow_mut();
        pools.retain(|_, pool| pool.sweep());
        self.is_swept.set(!pools.is_empty());
        self.is_swept.get()
    }
}

async fn sweep(shared: Weak<Shared>) {
    loop {
        sleep(SWEEP_EVERY).await;
        if !shared.upgrade().is_some_and(|shared| shared.sweep_once()) {
            return;
        }
    }
}

impl WorkerPool {
    /// A pool without connections.
    pub(crate) fn new(runtime: Arc<PoolRuntime>, observer: &Rc<WorkerObserver>) -> Self {
        let server = |(index, server)| {
            let (server, observer) = (Arc::clone(server), Rc::clone(observer));
            Rc::new(WorkerServer::new(server, index, observer))
        };
        Self {
            servers: runtime.servers.iter().enumerate().map(server).collect(),
            limit: ConnectionLimit::new(runtime.document.connections_per_worker),
            runtime,
            next_server: Cell::new(0),
            sweeps_since_use: Cell::new(0),
        }
    }

    /// The pool's document.
    pub(crate) fn document(&self) -> &Pool {
        &self.runtime.document
    }

    /// A server's name in events, by its place in the document.
    pub(crate) fn label(&self, server: usize) -> &str {
        &self.runtime.servers[server].label
    }

    /// The idle connection, if any, that [`Self::connect`] would find first: most requests get
    /// theirs here, without the room that making one needs.
    pub(crate) fn take_warm(&self, reuse: Reuse) -> Option<ServerConnection> {
        let index = self
            .in_turn(self.next_server.get())
            .find(|&index| self.servers[index].is_candidate(Candidates::Available))?;
        let connection = self.warm(index, reuse)?;
        self.advance();
        Some(connection)
    }

    /// A connection to the server whose turn it is, or to the next that can be reached.
    ///
    /// Where the pool is full it is an idle one to any server, or none, which says nothing about them.
    pub(crate) async fn connect(&self, reuse: Reuse) -> Result<ServerConnection, Unreachable> {
        let first = self.advance();
        let outcome = self
            .connect_to_one_of(Candidates::Available, first, reuse)
            .await;
        let candidates = match outcome.as_ref().map_err(|it| it.reason) {
            Err(UpstreamFailure::NoServer) => Candidates::Any,
            Err(UpstreamFailure::PoolFull) if self.close_longest_idle() => Candidates::Available,
            _ => return outcome,
        };
        self.connect_to_one_of(candidates, first, reuse).await
    }

    async fn connect_to_one_of(
        &self,
        candidates: Candidates,
        first: usize,
        reuse: Reuse,
    ) -> Result<ServerConnection, Unreachable> {
        let mut outcome = Unreachable {
            server: None,
            reason: UpstreamFailure::NoServer,
        };
        let each = Duration::from_millis(self.document().connect_timeout_ms);
        let mut in_all = None;
        for index in self.in_turn(first) {
            let server = &self.servers[index];
            if !server.is_candidate(candidates) {
                continue;
            }
            if let Some(connection) = self.warm(index, reuse) {
                return Ok(connection);
            }
            let Some(permit) = self.limit.try_acquire() else {
                if outcome.server.is_none() {
                    outcome.reason = UpstreamFailure::PoolFull;
                }
                continue;
            };
            // One silent server costs its time, a second one too; then the client has waited enough.
            let now = Instant::now();
            let end = *in_all.get_or_insert(now + 2 * each);
            if end <= now {
                break;
            }
            match server.connect(permit, end.min(now + each)).await {
                Ok(connection) => return Ok(connection),
                Err(reason) => {
                    outcome = Unreachable {
                        server: Some(index),
                        reason,
                    }
                }
            }
        }
        Err(outcome)
    }

    fn warm(&self, index: usize, reuse: Reuse) -> Option<ServerConnection> {
        if reuse == Reuse::Never {
            return None;
        }
        self.servers[index].take_warm(reuse == Reuse::Unrepeatable)
    }

    /// Every server, from the first on.
    fn in_turn(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        (first..self.servers.len()).chain(0..first)
    }

    /// Whose turn it is; the next one's is next.
    fn advance(&self) -> usize {
        let index = self.next_server.get();
        self.next_server
            .set((index + 1) % self.servers.len().max(1));
        index
    }

    /// Close what is dead or too old; `false` when the pool may be forgotten.
    fn sweep(&self) -> bool {
        let idle_timeout = Duration::from_millis(self.document().idle_timeout_ms);
        self.servers
            .iter()
            .for_each(|server| server.sweep(idle_timeout, self.document().idle_per_worker));
        let unused = self.sweeps_since_use.get().saturating_add(1);
        self.sweeps_since_use.set(unused);
        // Who asks again shall find a pool that knows of what it holds.
        unused < FORGOTTEN_AFTER || self.limit.in_use() > 0
    }

    /// Make room by closing the connection that was idle for longest; `false` when none is idle.
    fn close_longest_idle(&self) -> bool {
        let idle = |server| Some((WorkerServer::idle_since(server)?, server));
        let longest = self.servers.iter().filter_map(|server| idle(server));
        longest
            .min_by_key(|(since, _)| *since)
            .is_some_and(|(_, server)| server.close_longest_idle())
    }
}
