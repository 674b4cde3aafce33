//! One worker's connections to one server of a pool.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use edge_contract::UpstreamFailure;
use edge_observe::WorkerObserver;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::demand::Demand;
use super::permits::ConnectionPermit;
use crate::circuit_breaker::Candidates;
use crate::connector::{IdleStream, ServerStream};
use crate::pool::ServerRuntime;

/// A server, and the connections that this worker has to it.
pub(crate) struct WorkerServer {
    server: Arc<ServerRuntime>,
    /// Its index in the pool's document.
    index: usize,
    observer: Rc<WorkerObserver>,
    demand: Demand,
    idle: RefCell<VecDeque<Idle>>,
    /// How often the circuit breaker had opened when the idle connections were last checked.
    breaker_openings_seen: Cell<u64>,
}

struct Idle {
    stream: IdleStream,
    open: OpenConnection,
    since: Instant,
}

/// A connection to a server, new or reused, for one request at a time.
pub struct ServerConnection {
    stream: ServerStream,
    /// Whether it was used for a request before.
    pub(crate) is_reused: bool,
    server: Rc<WorkerServer>,
    open: OpenConnection,
}

/// Counts an open connection until it is dropped.
struct OpenConnection {
    observer: Rc<WorkerObserver>,
    _permit: ConnectionPermit,
    _demand: Option<ConnectionPermit>,
}

impl ServerConnection {
    /// The index of its server in the pool's document.
    pub(crate) fn server_index(&self) -> usize {
        self.server.index
    }

    /// Wait until a piece of a body can be written, completely or nearly so.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_room(context)
    }

    /// Return the connection to the idle ones. Its last response must have been read completely.
    pub(crate) fn release(self) {
        self.server.idle.borrow_mut().push_back(Idle {
            stream: self.stream.into_idle(),
            open: self.open,
            since: Instant::now(),
        });
    }
}

impl WorkerServer {
    /// Create a server without connections.
    pub(crate) fn new(
        server: Arc<ServerRuntime>,
        index: usize,
        observer: Rc<WorkerObserver>,
    ) -> Self {
        Self {
            breaker_openings_seen: Cell::new(server.breaker.times_opened()),
            server,
            index,
            observer,
            demand: Demand::new(),
            idle: RefCell::default(),
        }
    }

    /// Whether a request may be sent to it now.
    pub(crate) fn is_candidate(&self, candidates: Candidates) -> bool {
        self.server.breaker.is_candidate(candidates)
    }

    /// Since when the connection that is idle for longest has been idle.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.idle.borrow().front().map(|it| it.since)
    }

    /// Close the connection that is idle for longest; `false` if none is idle.
    pub(crate) fn close_longest_idle(&self) -> bool {
        self.idle.borrow_mut().pop_front().is_some()
    }

    /// Take the idle connection that was used last and is still alive. With `is_unrepeatable` the
    /// kernel is asked whether it is, since the request could not be sent again.
    pub(crate) fn take_idle(self: &Rc<Self>, is_unrepeatable: bool) -> Option<ServerConnection> {
        self.close_stale();
        loop {
            let Idle { stream, open, .. } = self.pop_idle()?;
            if let Some(stream) = stream.resume(is_unrepeatable) {
                self.demand.record_busy(self.idle.borrow().len());
                return Some(ServerConnection {
                    stream,
                    is_reused: true,
                    server: Rc::clone(self),
                    open,
                });
            }
        }
    }

    /// Remove the idle connection that was used last among those whose state is known without a
    /// system call, or else among all.
    fn pop_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.borrow_mut();
        let cheap = idle.partition_point(|it| it.stream.is_state_known());
        match cheap.checked_sub(1) {
            Some(index) => idle.remove(index),
            None => idle.pop_back(),
        }
    }

    /// Close the idle connections if the circuit breaker has opened since, on any worker. Running
    /// exchanges are not affected.
    fn close_stale(&self) {
        let breaker_openings_seen = self.server.breaker.times_opened();
        if self.breaker_openings_seen.replace(breaker_openings_seen) != breaker_openings_seen {
            self.idle.borrow_mut().clear();
        }
    }

    /// Close the idle connections that are dead or idle for too long, and those that exceed both
    /// `at_least` and the recent demand.
    pub(crate) fn sweep(&self, idle_timeout: Duration, at_least: u64) {
        self.close_stale();
        let mut idle = self.idle.borrow_mut();
        idle.retain(|it| it.since.elapsed() < idle_timeout && it.stream.is_alive());
        let kept = self.demand.idle_to_keep(idle.len()).max(at_least);
        let excess = (idle.len() as u64).saturating_sub(kept);
        idle.drain(..usize::try_from(excess).unwrap_or(0));
    }

    /// Open a connection, and record the result in the circuit breaker.
    pub(crate) async fn connect(
        self: &Rc<Self>,
        permit: ConnectionPermit,
        deadline: Instant,
    ) -> Result<ServerConnection, UpstreamFailure> {
        let trial = self.server.breaker.begin_trial();
        let outcome = self.server.connector.connect(deadline).await;
        drop(trial);
        match outcome {
            Ok(stream) => Ok(self.record_success(stream, permit)),
            Err(fault) => {
                if !fault.is_local {
                    self.record_failure(fault.reason);
                }
                Err(fault.reason)
            }
        }
    }

    fn record_success(
        self: &Rc<Self>,
        stream: ServerStream,
        permit: ConnectionPermit,
    ) -> ServerConnection {
        let ServerRuntime {
            breaker,
            pool,
            label,
            ..
        } = &*self.server;
        if breaker.close() {
            self.observer.upstream_came_back(pool, label);
        }
        self.observer.upstream_opened();
        self.close_stale();
        let demand = self.demand.open();
        self.demand.record_busy(self.idle.borrow().len());
        ServerConnection {
            stream,
            is_reused: false,
            server: Rc::clone(self),
            open: OpenConnection {
                observer: Rc::clone(&self.observer),
                _permit: permit,
                _demand: demand,
            },
        }
    }

    fn record_failure(&self, reason: UpstreamFailure) {
        let ServerRuntime {
            breaker,
            pool,
            label,
            ..
        } = &*self.server;
        if breaker.open() {
            self.observer.upstream_went_down(pool, label, reason);
        }
        self.breaker_openings_seen.set(breaker.times_opened());
        self.idle.borrow_mut().clear();
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.observer.upstream_closed();
    }
}

impl AsyncRead for ServerConnection {
    #[inline]
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for ServerConnection {
    #[inline]
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    #[inline]
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
