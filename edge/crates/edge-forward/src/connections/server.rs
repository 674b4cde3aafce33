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
use crate::connector::{KeptStream, ServerStream};
use crate::health::Candidates;
use crate::pool::ServerRuntime;

/// A server, and the connections that this worker has to it.
pub(crate) struct WorkerServer {
    server: Arc<ServerRuntime>,
    /// Its place in the pool's document.
    index: usize,
    observer: Rc<WorkerObserver>,
    demand: Demand,
    idle: RefCell<VecDeque<Idle>>,
    /// How often the server had failed when the idle connections were last looked at.
    times_failed: Cell<u64>,
}

struct Idle {
    stream: KeptStream,
    open: OpenConnection,
    since: Instant,
}

/// A connection to a server, new or kept, for one request at a time.
pub struct ServerConnection {
    stream: ServerStream,
    /// Whether it carried a request before.
    pub(crate) is_reused: bool,
    server: Rc<WorkerServer>,
    open: OpenConnection,
}

/// Counts an open connection for as long as it lives.
struct OpenConnection {
    observer: Rc<WorkerObserver>,
    _permit: ConnectionPermit,
    _demand: Option<ConnectionPermit>,
}

impl ServerConnection {
    /// The place of its server in the pool's document.
    pub(crate) fn server_index(&self) -> usize {
        self.server.index
    }

    /// Wait until the server has room for a piece, of which all or nearly all is taken then.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.stream.poll_room(context)
    }

    /// Keep it for another request; its last answer must have been read to the end.
    pub(crate) fn keep(self) {
        self.server.idle.borrow_mut().push_back(Idle {
            stream: self.stream.keep(),
            open: self.open,
            since: Instant::now(),
        });
    }
}

impl WorkerServer {
    /// A server without connections.
    pub(crate) fn new(
        server: Arc<ServerRuntime>,
        index: usize,
        observer: Rc<WorkerObserver>,
    ) -> Self {
        Self {
            times_failed: Cell::new(server.health.times_opened()),
            server,
            index,
            observer,
            demand: Demand::new(),
            idle: RefCell::default(),
        }
    }

    /// Whether it may be tried now.
    pub(crate) fn is_candidate(&self, candidates: Candidates) -> bool {
        self.server.health.is_candidate(candidates)
    }

    /// Since when its longest idle connection has been so.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.idle.borrow().front().map(|it| it.since)
    }

    /// Close that connection; `false` when none is idle.
    pub(crate) fn close_longest_idle(&self) -> bool {
        self.idle.borrow_mut().pop_front().is_some()
    }

    /// Take the idle connection that was used last and is still alive; be sure that it is with
    /// `is_unrepeatable`, since losing the request cannot be undone.
    pub(crate) fn take_warm(self: &Rc<Self>, is_unrepeatable: bool) -> Option<ServerConnection> {
        self.close_stale();
        loop {
            let Idle { stream, open, .. } = self.pop_idle()?;
            if let Some(stream) = stream.resume(is_unrepeatable) {
                self.demand.note_busy(self.idle.borrow().len());
                return Some(ServerConnection {
                    stream,
                    is_reused: true,
                    server: Rc::clone(self),
                    open,
                });
            }
        }
    }

    /// The connection that came back last among those that can be had without a system call; else
    /// the last one.
    fn pop_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.borrow_mut();
        let cheap = idle.partition_point(|it| it.stream.is_cheap());
        match cheap.checked_sub(1) {
            Some(index) => idle.remove(index),
            None => idle.pop_back(),
        }
    }

    /// Close the idle connections from before the server failed, whichever worker has found that:
    /// an exchange that is under way on a connection may still end well, but none is begun.
    fn close_stale(&self) {
        let times_failed = self.server.health.times_opened();
        if self.times_failed.replace(times_failed) != times_failed {
            self.idle.borrow_mut().clear();
        }
    }

    /// Close the idle connections that are dead or have been silent for too long, and those that
    /// exceed both `at_least` and what the last seconds have needed.
    pub(crate) fn sweep(&self, idle_timeout: Duration, at_least: u64) {
        self.close_stale();
        let mut idle = self.idle.borrow_mut();
        idle.retain(|it| it.since.elapsed() < idle_timeout && it.stream.is_alive());
        let kept = self.demand.idle_to_keep(idle.len()).max(at_least);
        let excess = (idle.len() as u64).saturating_sub(kept);
        idle.drain(..usize::try_from(excess).unwrap_or(0));
    }

    /// Make a connection, and remember whether that is possible.
    pub(crate) async fn connect(
        self: &Rc<Self>,
        permit: ConnectionPermit,
        deadline: Instant,
    ) -> Result<ServerConnection, UpstreamFailure> {
        let probe = self.server.health.probe();
        let outcome = self.server.connector.connect(deadline).await;
        drop(probe);
        match outcome {
            Ok(stream) => Ok(self.note_success(stream, permit)),
            Err(fault) => {
                if !fault.is_ours {
                    self.note_failure(fault.reason);
                }
                Err(fault.reason)
            }
        }
    }

    fn note_success(
        self: &Rc<Self>,
        stream: ServerStream,
        permit: ConnectionPermit,
    ) -> ServerConnection {
        let ServerRuntime {
            health,
            pool,
            label,
            ..
        } = &*self.server;
        if health.close() {
            self.observer.upstream_came_back(pool, label);
        }
        self.observer.upstream_opened();
        self.close_stale();
        let demand = self.demand.open();
        self.demand.note_busy(self.idle.borrow().len());
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

    fn note_failure(&self, reason: UpstreamFailure) {
        let ServerRuntime {
            health,
            pool,
            label,
            ..
        } = &*self.server;
        if health.open() {
            self.observer.upstream_went_down(pool, label, reason);
        }
        self.times_failed.set(health.times_opened());
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
