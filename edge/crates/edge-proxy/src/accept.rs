//! Accepting: from a listening socket to a task for each connection, within bounds.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use edge_observe::{HandshakeFailure, HandshakeFault};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::connection;
use crate::context::WorkerContext;

/// Without free file descriptors, accepting again at once would only burn the CPU.
const BACK_OFF: Duration = Duration::from_millis(50);

/// The number of connections that a worker holds.
#[derive(Clone, Default)]
pub(crate) struct Connections(Rc<Count>);

#[derive(Default)]
struct Count {
    open: Cell<u64>,
    all_gone: Notify,
}

impl Connections {
    /// Wait until none is left.
    pub(crate) async fn none_left(&self) {
        while self.0.open.get() > 0 {
            self.0.all_gone.notified().await;
        }
    }
}

/// An open connection, counted from its acceptance to its drop.
struct OpenConnection {
    connections: Connections,
    worker: Rc<WorkerContext>,
}

impl OpenConnection {
    fn new(connections: Connections, worker: Rc<WorkerContext>) -> Self {
        connections.0.open.set(connections.0.open.get() + 1);
        worker.observer.connection_opened();
        Self {
            connections,
            worker,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        let Count { open, all_gone } = &*self.connections.0;
        self.worker.observer.connection_closed();
        open.set(open.get() - 1);
        if open.get() == 0 {
            all_gone.notify_one();
        }
    }
}

/// Accept until the task is dropped, which closes the socket.
pub(crate) async fn accept(
    socket: TcpListener,
    listener: String,
    worker: Rc<WorkerContext>,
    connections: Connections,
) {
    loop {
        match socket.accept().await {
            Ok((tcp, peer)) => begin(tcp, peer, &listener, &worker, &connections),
            Err(error) if is_exhaustion(&error) => sleep(BACK_OFF).await,
            // The client took back what it had asked for (accept(2)); the next one is waiting.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn begin(
    tcp: TcpStream,
    peer: SocketAddr,
    listener: &str,
    worker: &Rc<WorkerContext>,
    connections: &Connections,
) {
    let running = worker.running.load_full();
    if connections.0.open.get() >= running.limits.connections_per_worker {
        return refuse(peer, listener, worker);
    }
    let Some(listener) = running.listener(listener).cloned() else {
        return; // The listener left the snapshot a moment ago.
    };
    let open = OpenConnection::new(connections.clone(), Rc::clone(worker));
    let worker = Rc::clone(worker);
    spawn_local(async move {
        connection::serve(tcp, peer, listener, worker).await;
        drop(open);
    });
}

fn refuse(peer: SocketAddr, listener: &str, worker: &WorkerContext) {
    worker.observer.handshake_failed(HandshakeFault {
        listener,
        peer,
        server_name: None,
        reason: HandshakeFailure::Overloaded,
        detail: "the worker holds limits.connections_per_worker connections",
        alert: None,
    });
}

/// Whether accepting fails for want of something that time brings back.
fn is_exhaustion(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOMEM: i32 = 12;
    const ENOBUFS: i32 = 105;
    matches!(
        error.raw_os_error(),
        Some(ENFILE | EMFILE | ENOMEM | ENOBUFS)
    )
}
