//! One server of a pool: reach it, remember whether it answers, keep its warm connections.

mod demand;
mod health;
mod room;
#[cfg(test)]
pub(crate) mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::{Rc, Weak};
use std::time::Duration;

use edge_contract::{Server, UpstreamFailure};
use rustix::net::{RecvFlags, recv};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout_at};

use crate::context::WorkerContext;
use crate::loop_tick;
use crate::pool::{Place, UpstreamPool};
use demand::Demand;
use health::Health;
pub(crate) use health::Trust;

/// One server, as one worker knows it.
pub(crate) struct ServerState {
    /// `host:port`, as events name it.
    pub(crate) label: String,
    host: String,
    port: u16,
    address: Option<IpAddr>,
    health: Health,
    demand: Demand,
    idle: RefCell<VecDeque<Idle>>,
}

struct Idle {
    stream: TcpStream,
    open: OpenConnection,
    since: Instant,
    /// The turn of the event loop in which it came back.
    turn: u64,
}

/// A connection to a server, new or warm, for one request at a time.
pub struct ServerConnection {
    /// The bytes' way.
    pub(crate) stream: TcpStream,
    /// Whether it carried a request before.
    pub(crate) is_reused: bool,
    pool: Rc<UpstreamPool>,
    server: usize,
    open: OpenConnection,
    /// Whether the kernel was told to hold little of what it has not sent.
    is_short: bool,
}

/// Counts an open connection for as long as it lives.
struct OpenConnection {
    worker: Weak<WorkerContext>,
    _place: Place,
    _demand: Option<Place>,
}

impl ServerConnection {
    /// The place of its server in the pool's document.
    pub(crate) fn server_index(&self) -> usize {
        self.server
    }

    /// Keep it warm for another request; its last answer must have been read to the end.
    pub(crate) fn keep(self) {
        if self.is_short {
            room::lengthen_queue(&self.stream);
        }
        let server = self.pool.server(self.server);
        server.idle.borrow_mut().push_back(Idle {
            stream: self.stream,
            open: self.open,
            since: Instant::now(),
            turn: loop_tick::now(),
        });
    }
}

impl ServerState {
    /// A server that nothing is known about yet.
    pub(crate) fn new(server: &Server) -> Self {
        let address: Option<IpAddr> = server.host.parse().ok();
        let label = match address {
            Some(address) => SocketAddr::new(address, server.port).to_string(),
            None => format!("{}:{}", server.host, server.port),
        };
        Self {
            label,
            host: server.host.clone(),
            port: server.port,
            address,
            health: Health::new(),
            demand: Demand::new(),
            idle: RefCell::default(),
        }
    }

    /// Whether it may be tried now.
    pub(crate) fn is_worth_a_try(&self, trust: Trust) -> bool {
        self.health.is_worth_a_try(trust)
    }

    /// Since when its longest idle connection has been so.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.idle.borrow().front().map(|it| it.since)
    }

    /// Close that connection; `false` when none is idle.
    pub(crate) fn close_longest_idle(&self) -> bool {
        self.idle.borrow_mut().pop_front().is_some()
    }

    /// Take the warm connection that was used last and is still alive.
    ///
    /// The kernel is asked with `is_unrepeatable`, since losing the request cannot be undone, and
    /// for a connection that came back in this turn: the event loop takes a read that did not fill
    /// its room for the last there is to read until it turns, and so an answer that nobody asked
    /// for would be the next one's. Else what the event loop has heard of suffices.
    pub(crate) fn take_warm(
        &self,
        pool: &Rc<UpstreamPool>,
        server: usize,
        is_unrepeatable: bool,
    ) -> Option<ServerConnection> {
        loop {
            let Idle {
                stream, open, turn, ..
            } = self.pop_idle()?;
            let is_alive = if is_unrepeatable || turn == loop_tick::now() {
                is_silent_for_sure(&stream)
            } else {
                is_silent(&stream)
            };
            if is_alive {
                self.demand.note_busy(self.idle.borrow().len());
                let pool = Rc::clone(pool);
                return Some(ServerConnection {
                    stream,
                    is_reused: true,
                    pool,
                    server,
                    open,
                    is_short: false,
                });
            }
        }
    }

    /// The connection that came back last before this turn, since it can be had without a system
    /// call; else the last one.
    fn pop_idle(&self) -> Option<Idle> {
        let mut idle = self.idle.borrow_mut();
        let before = idle.partition_point(|it| it.turn < loop_tick::now());
        match before.checked_sub(1) {
            Some(index) => idle.remove(index),
            None => idle.pop_back(),
        }
    }

    /// Drop the warm connections that are dead or have been silent for too long, and those that
    /// exceed both `at_least` and what the last seconds have needed.
    pub(crate) fn sweep(&self, idle_timeout: Duration, at_least: u64) {
        let mut idle = self.idle.borrow_mut();
        idle.retain(|it| it.since.elapsed() < idle_timeout && is_silent(&it.stream));
        let kept = self.demand.idle_to_keep(idle.len()).max(at_least);
        let excess = (idle.len() as u64).saturating_sub(kept);
        idle.drain(..usize::try_from(excess).unwrap_or(0));
    }

    /// Open a connection, and remember whether that is possible.
    pub(crate) async fn connect(
        &self,
        (pool, server, place): (&Rc<UpstreamPool>, usize, Place),
        worker: &Rc<WorkerContext>,
        deadline: Instant,
    ) -> Result<ServerConnection, UpstreamFailure> {
        let knock = self.health.knock();
        let outcome = self.open(deadline).await;
        drop(knock);
        let stream = match outcome {
            Ok(stream) => stream,
            Err(fault) => {
                if !is_our_own(&fault.error) {
                    self.note_failure(pool, worker, fault.reason);
                }
                return Err(fault.reason);
            }
        };
        if self.health.note_up() {
            worker
                .observer
                .upstream_came_back(&pool.document().id, &self.label);
        }
        worker.observer.upstream_opened();
        Ok(ServerConnection {
            stream,
            is_reused: false,
            pool: Rc::clone(pool),
            server,
            open: OpenConnection {
                worker: Rc::downgrade(worker),
                _place: place,
                _demand: self.count_open(),
            },
            is_short: false,
        })
    }

    async fn open(&self, deadline: Instant) -> Result<TcpStream, OpenFault> {
        let addresses = timeout_at(deadline, self.addresses()).await;
        let addresses = addresses.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let addresses = addresses.map_err(OpenFault::no_address)?;
        let stream = timeout_at(deadline, connect_to_any(&addresses)).await;
        let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        stream.map_err(OpenFault::no_way)
    }

    /// Where the server is; one that has a name is looked up each time.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        match self.address {
            Some(address) => Ok(vec![SocketAddr::new(address, self.port)]),
            None => Ok(lookup_host((self.host.as_str(), self.port))
                .await?
                .collect()),
        }
    }

    /// Count a connection that is open, and busy at once.
    fn count_open(&self) -> Option<Place> {
        let place = self.demand.open();
        self.demand.note_busy(self.idle.borrow().len());
        place
    }

    fn note_failure(
        &self,
        pool: &UpstreamPool,
        worker: &Rc<WorkerContext>,
        reason: UpstreamFailure,
    ) {
        if self.health.note_down() {
            worker
                .observer
                .upstream_went_down(&pool.document().id, &self.label, reason);
        }
        // Whoever waits for an answer on a warm connection may still get it, but nobody new.
        self.idle.borrow_mut().clear();
    }
}

/// Why a connection could not be opened.
struct OpenFault {
    reason: UpstreamFailure,
    error: io::Error,
}

impl OpenFault {
    fn no_address(error: io::Error) -> Self {
        let reason = UpstreamFailure::NoAddress;
        Self { reason, error }
    }

    fn no_way(error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::ConnectionRefused => UpstreamFailure::ConnectRefused,
            io::ErrorKind::TimedOut => UpstreamFailure::ConnectTimeout,
            io::ErrorKind::NotFound => UpstreamFailure::NoAddress,
            _ => UpstreamFailure::ConnectFailed,
        };
        Self { reason, error }
    }
}

/// Connect to the first address that takes a connection.
async fn connect_to_any(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    // A name that leads nowhere: the resolver knows it, without an address.
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whether nothing has come from the server: what it says unasked is an end, or not for us.
fn is_silent(stream: &TcpStream) -> bool {
    let outcome = stream.try_read(&mut [0]);
    outcome.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

/// The same, asked of the kernel even if the event loop has heard of nothing.
fn is_silent_for_sure(stream: &TcpStream) -> bool {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    recv(stream, &mut [0_u8], flags).is_err_and(|error| error == rustix::io::Errno::WOULDBLOCK)
}

/// Whether the cause lies with us, so that it says nothing about the server.
fn is_our_own(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let ours = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
    ];
    Errno::from_io_error(error).is_some_and(|errno| ours.contains(&errno))
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.upgrade() {
            worker.observer.upstream_closed();
        }
    }
}
