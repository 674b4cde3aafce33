//! The control socket: one task for each client.
//!
//! A client that is slow, malformed or silent affects neither other clients nor the process. The verbs
//! themselves are in [`verbs`]; this module must not know what they mean.

mod connection;
mod message_reader;
mod message_writer;
mod stream;
mod verbs;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge_contract::{ErrorCode, Fault};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::spawn_local;
use tokio::time::{sleep, timeout};

use crate::edge::Edge;

/// The most clients at a time: one control plane, and a few tools that read statistics and events.
const MAX_CLIENTS: usize = 64;
/// The pause after a failed accept, whose usual cause is the descriptor limit.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// The control socket.
pub(crate) struct Control {
    listener: UnixListener,
    edge: Rc<RefCell<Edge>>,
    clients: Rc<Clients>,
}

/// The connected clients.
pub(crate) struct Clients {
    count: Cell<usize>,
    disconnected: Notify,
    /// True once the edge shuts down: no further request is read.
    shutdown: watch::Sender<bool>,
}

impl Control {
    /// Create the control socket of an edge from a bound Unix listener.
    pub(crate) fn new(
        listener: std::os::unix::net::UnixListener,
        edge: Rc<RefCell<Edge>>,
    ) -> Result<Self, String> {
        let listener = UnixListener::from_std(listener).map_err(|error| error.to_string())?;
        let shutdown = watch::Sender::new(false);
        let clients = Rc::new(Clients {
            count: Cell::new(0),
            disconnected: Notify::new(),
            shutdown,
        });
        Ok(Self {
            listener,
            edge,
            clients,
        })
    }

    /// The connected clients; valid also after the socket has been closed.
    pub(crate) fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients)
    }

    /// Accept clients until the task is aborted.
    pub(crate) async fn serve(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.spawn_client(stream),
                Err(_) => sleep(ACCEPT_BACKOFF).await,
            }
        }
    }

    fn spawn_client(&self, stream: UnixStream) {
        let clients = Rc::clone(&self.clients);
        let guard = ClientGuard::new(&clients);
        if clients.count.get() > MAX_CLIENTS {
            let message = format!("{MAX_CLIENTS} clients are connected already");
            let fault = Fault::new(ErrorCode::TooManyClients, message);
            spawn_local(async move {
                let _ = message_writer::refuse(&stream, fault).await;
                drop(guard);
            });
            return;
        }
        let (edge, shutdown) = (Rc::clone(&self.edge), clients.shutdown.subscribe());
        spawn_local(async move {
            connection::serve(stream, edge, shutdown).await;
            drop(guard);
        });
    }
}

impl Clients {
    /// Read no further requests, and wait until every client has been sent its pending reply and is
    /// disconnected, at most for this long.
    pub(crate) async fn shut_down(&self, within: Duration) {
        self.shutdown.send_replace(true);
        let all_disconnected = async {
            while self.count.get() > 0 {
                self.disconnected.notified().await;
            }
        };
        let _ = timeout(within, all_disconnected).await;
    }
}

/// Counts one client until it is dropped.
struct ClientGuard(Rc<Clients>);

impl ClientGuard {
    fn new(clients: &Rc<Clients>) -> Self {
        clients.count.set(clients.count.get() + 1);
        Self(Rc::clone(clients))
    }
}

impl Drop for ClientGuard {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.disconnected.notify_one();
    }
}
