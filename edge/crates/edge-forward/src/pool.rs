//! Upstream pools of one worker: whose turn it is, and which connections are warm.

mod places;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use edge_contract::{Hash, Pool, UpstreamFailure};
use tokio::time::{Instant, sleep};

use crate::context::{SiteRuntime, WorkerContext};
use crate::upstream::{ServerConnection, ServerState, Trust};
pub(crate) use places::{Place, Places};

/// How often warm connections are looked after.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// A pool that was not used for so many sweeps and holds nothing is forgotten.
const FORGOTTEN_AFTER: u32 = 60;

/// The pools that a worker has used lately, by the hash of their document.
///
/// A document that stays the same over an apply keeps its connections; another one begins anew,
/// and what the old one holds ends with its idle time.
#[derive(Default)]
pub struct Pools {
    by_hash: RefCell<HashMap<Hash, Rc<UpstreamPool>>>,
    is_swept: Cell<bool>,
}

/// One pool, as one worker uses it.
pub(crate) struct UpstreamPool {
    document: Arc<Pool>,
    servers: Vec<ServerState>,
    places: Places,
    turn: Cell<usize>,
    sweeps_since_use: Cell<u32>,
}

/// What may be done with a request that gets lost on a warm connection.
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

impl Pools {
    /// No pools yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The pool of a site.
    pub(crate) fn pool(&self, worker: &Rc<WorkerContext>, site: &SiteRuntime) -> Rc<UpstreamPool> {
        if let Some(pool) = self.by_hash.borrow().get(&site.pool_hash) {
            pool.sweeps_since_use.set(0);
            return Rc::clone(pool);
        }
        let pool = Rc::new(UpstreamPool::new(Arc::clone(&site.pool)));
        self.by_hash
            .borrow_mut()
            .insert(site.pool_hash, Rc::clone(&pool));
        if !self.is_swept.replace(true) {
            tokio::task::spawn_local(sweep(Rc::downgrade(worker)));
        }
        pool
    }

    /// Look after every pool once; `false` when there is none left.
    fn sweep_once(&self) -> bool {
        let mut by_hash = self.by_hash.borrow_mut();
        by_hash.retain(|_, pool| pool.sweep());
        self.is_swept.set(!by_hash.is_empty());
        self.is_swept.get()
    }
}

async fn sweep(worker: Weak<WorkerContext>) {
    loop {
        sleep(SWEEP_EVERY).await;
        if !worker
            .upgrade()
            .is_some_and(|worker| worker.pools.sweep_once())
        {
            return;
        }
    }
}

impl UpstreamPool {
    /// A pool that nothing is known about yet.
    pub(crate) fn new(document: Arc<Pool>) -> Self {
        let servers = document.servers.iter().map(ServerState::new).collect();
        let places = Places::new(document.connections_per_worker);
        Self {
            document,
            servers,
            places,
            turn: Cell::new(0),
            sweeps_since_use: Cell::new(0),
        }
    }

    /// The pool's document.
    pub(crate) fn document(&self) -> &Pool {
        &self.document
    }

    /// A server by its place in the document.
    pub(crate) fn server(&self, index: usize) -> &ServerState {
        &self.servers[index]
    }

    /// A place for one more connection to any of the servers, while the pool's ceiling leaves one.
    pub(crate) fn take_place(&self) -> Option<Place> {
        self.places.take()
    }

    /// The warm connection, if any, that [`Self::connect`] would find first: most requests get
    /// theirs here, without the room that opening one needs.
    pub(crate) fn take_warm(self: &Rc<Self>, reuse: Reuse) -> Option<ServerConnection> {
        let index = self
            .in_turn(self.turn.get())
            .find(|&index| self.servers[index].is_worth_a_try(Trust::Sound))?;
        let connection = self.warm(index, reuse)?;
        self.next_turn();
        Some(connection)
    }

    /// A connection to the server whose turn it is, or to the next that can be reached.
    ///
    /// Where the pool is full it is a warm one to any server, or none, which says nothing about them.
    pub(crate) async fn connect(
        self: &Rc<Self>,
        worker: &Rc<WorkerContext>,
        reuse: Reuse,
    ) -> Result<ServerConnection, Unreachable> {
        let turn = self.next_turn();
        let outcome = self
            .connect_trusting(Trust::Sound, turn, worker, reuse)
            .await;
        let trust = match outcome.as_ref().map_err(|it| it.reason) {
            Err(UpstreamFailure::NoServer) => Trust::Any,
            Err(UpstreamFailure::PoolFull) if self.close_longest_idle() => Trust::Sound,
            _ => return outcome,
        };
        self.connect_trusting(trust, turn, worker, reuse).await
    }

    async fn connect_trusting(
        self: &Rc<Self>,
        trust: Trust,
        turn: usize,
        worker: &Rc<WorkerContext>,
        reuse: Reuse,
    ) -> Result<ServerConnection, Unreachable> {
        let mut outcome = Unreachable {
            server: None,
            reason: UpstreamFailure::NoServer,
        };
        let each = Duration::from_millis(self.document.connect_timeout_ms);
        let mut in_all = None;
        for index in self.in_turn(turn) {
            let server = &self.servers[index];
            if !server.is_worth_a_try(trust) {
                continue;
            }
            if let Some(connection) = self.warm(index, reuse) {
                return Ok(connection);
            }
            let Some(place) = self.take_place() else {
                if outcome.server.is_none() {
                    outcome.reason = UpstreamFailure::PoolFull;
                }
                continue;
            };
            // One silent server costs its time, a second one too; then the client has waited enough.
            let now = Instant::now();
            let last_moment = *in_all.get_or_insert(now + 2 * each);
            if last_moment <= now {
                break;
            }
            let deadline = last_moment.min(now + each);
            match server.connect((self, index, place), worker, deadline).await {
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

    fn warm(self: &Rc<Self>, index: usize, reuse: Reuse) -> Option<ServerConnection> {
        if reuse == Reuse::Never {
            return None;
        }
        self.servers[index].take_warm(self, index, reuse == Reuse::Unrepeatable)
    }

    /// Every server, from the one on.
    fn in_turn(&self, first: usize) -> impl Iterator<Item = usize> + use<> {
        (first..self.servers.len()).chain(0..first)
    }

    fn next_turn(&self) -> usize {
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.servers.len().max(1));
        turn
    }

    /// Close what is dead or too old; `false` when the pool may be forgotten.
    fn sweep(&self) -> bool {
        let idle_timeout = Duration::from_millis(self.document.idle_timeout_ms);
        self.servers
            .iter()
            .for_each(|server| server.sweep(idle_timeout, self.document.idle_per_worker));
        let unused = self.sweeps_since_use.get().saturating_add(1);
        self.sweeps_since_use.set(unused);
        // Whoever asks again shall find a pool that knows of what it holds.
        unused < FORGOTTEN_AFTER || !self.places.are_free()
    }

    /// Make room by closing the connection that nobody has used for longest; `false` when none is idle.
    fn close_longest_idle(&self) -> bool {
        let idle = |server| Some((ServerState::idle_since(server)?, server));
        let longest = self.servers.iter().filter_map(idle);
        longest
            .min_by_key(|(since, _)| *since)
            .is_some_and(|(_, server)| server.close_longest_idle())
    }
}
