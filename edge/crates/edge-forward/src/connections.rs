//! One worker's connections to the servers of pools: balancing, reuse and limits.

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

use crate::circuit_breaker::Candidates;
use crate::pool::PoolRuntime;
use permits::ConnectionLimit;
pub use server::ServerConnection;
use server::WorkerServer;

/// The interval in which idle connections are checked.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);
/// A pool without connections is removed after so many sweeps without a request.
const MAX_UNUSED_SWEEPS: u32 = 60;

/// The pools that a worker uses.
///
/// A pool whose document is the same after an apply keeps its connections. Those of another one are
/// closed after its idle timeout.
pub struct WorkerPools(Rc<Shared>);

struct Shared {
    observer: Rc<WorkerObserver>,
    /// By the address of the pool's runtime, which each entry keeps alive.
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

/// Whether a request may use an idle connection, on which it could be lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// It needs a new connection, since it was lost on an idle one.
    Never,
    /// It can be sent again if it is lost.
    Repeatable,
    /// It cannot be sent again.
    Unrepeatable,
}

/// No server of a pool could be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// The server that was tried last.
    pub(crate) server: Option<usize>,
    /// Why it could not be reached.
    pub(crate) reason: UpstreamFailure,
}

impl WorkerPools {
    /// Create an empty set of pools.
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
    /// Check every pool once; `false` if none is left.
    fn sweep_once(&self) -> bool {
        let mut pools = self.pools.borrow_mut();
        pools.retain(|_, pool| pool.sweep());
        self.is_swept.set(!pools.is_empty());
        self.is_swept.get()
    }
}

async fn sweep(shared: Weak<Shared>) {
    loop {
        sleep(SWEEP_INTERVAL).await;
        if !shared.upgrade().is_some_and(|shared| shared.sweep_once()) {
            return;
        }
    }
}

impl WorkerPool {
    /// Create a pool without connections.
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

    /// A server's name in events, by its index in the document.
    pub(crate) fn label(&self, server: usize) -> &str {
        &self.runtime.servers[server].label
    }

    /// The idle connection that [`Self::connect`] would return first, if there is one. Most requests
    /// are served by this path, which needs no boxed future.
    pub(crate) fn take_idle(&self, reuse: Reuse) -> Option<ServerConnection> {
        let index = self
            .rotation(self.next_server.get())
            .find(|&index| self.servers[index].is_candidate(Candidates::Available))?;
        let connection = self.idle_connection(index, reuse)?;
        self.advance();
        Some(connection)
    }

    /// Get a connection to the next server in the rotation that can be reached.
    ///
    /// If the pool is full it is an idle one to any server, or the error is `PoolFull`, which does not
    /// open any circuit breaker.
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
        for index in self.rotation(first) {
            let server = &self.servers[index];
            if !server.is_candidate(candidates) {
                continue;
            }
            if let Some(connection) = self.idle_connection(index, reuse) {
                return Ok(connection);
            }
            let Some(permit) = self.limit.try_acquire() else {
                if outcome.server.is_none() {
                    outcome.reason = UpstreamFailure::PoolFull;
                }
                continue;
            };
            // Two unresponsive servers may each use up the connect timeout; then the request fails.
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

    fn idle_connection(&self, index: usize, reuse: Reuse) -> Option<ServerConnection> {
        if reuse == Reuse::Never {
            return None;
        }
        self.servers[index].take_idle(reuse == Reuse::Unrepeatable)
    }

    /// The indices of all servers in the order of the rotation.
    fn rotation(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        (first..self.servers.len()).chain(0..first)
    }

    /// The index of the next server; advances the rotation.
    fn advance(&self) -> usize {
        let index = self.next_server.get();
        self.next_server
            .set((index + 1) % self.servers.len().max(1));
        index
    }

    /// Close connections that are dead or idle for too long; `false` if the pool can be removed.
    fn sweep(&self) -> bool {
        let idle_timeout = Duration::from_millis(self.document().idle_timeout_ms);
        self.servers
            .iter()
            .for_each(|server| server.sweep(idle_timeout, self.document().idle_per_worker));
        let unused = self.sweeps_since_use.get().saturating_add(1);
        self.sweeps_since_use.set(unused);
        // A pool with open connections must stay, so that they count towards its limit.
        unused < MAX_UNUSED_SWEEPS || self.limit.in_use() > 0
    }

    /// Close the connection that has been idle for longest; `false` if none is idle.
    fn close_longest_idle(&self) -> bool {
        let idle = |server| Some((WorkerServer::idle_since(server)?, server));
        let longest = self.servers.iter().filter_map(|server| idle(server));
        longest
            .min_by_key(|(since, _)| *since)
            .is_some_and(|(_, server)| server.close_longest_idle())
    }
}
