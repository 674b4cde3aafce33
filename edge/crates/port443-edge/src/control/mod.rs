//! The control socket: one task a client, none of which can hold up another or end the edge.

mod connection;
mod inbox;
mod outbox;
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

/// Clients that are served at once; there is one control plane and the odd onlooker.
const MAX_CLIENTS: usize = 64;
/// After an accept that failed, most likely for want of descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// The control socket.
pub(crate) struct Control {
    listener: UnixListener,
    edge: Rc<RefCell<Edge>>,
    clients: Rc<Clients>,
}

/// Who is connected.
pub(crate) struct Clients {
    count: Cell<usize>,
    left: Notify,
    /// Turns true when clients get their last answers and no more.
    farewell: watch::Sender<bool>,
}

impl Control {
    /// Serve the control socket of an edge.
    pub(crate) fn new(
        listener: std::os::unix::net::UnixListener,
        edge: Rc<RefCell<Edge>>,
    ) -> Result<Self, String> {
        let listener = UnixListener::from_std(listener).map_err(|error| error.to_string())?;
        let farewell = watch::Sender::new(false);
        let clients = Rc::new(Clients {
            count: Cell::new(0),
            left: Notify::new(),
            farewell,
        });
        Ok(Self {
            listener,
            edge,
            clients,
        })
    }

    /// Who is connected, also after the socket has been closed.
    pub(crate) fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients)
    }

    /// Accept clients for ever.
    pub(crate) async fn serve(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => self.welcome(stream),
                Err(_) => sleep(BREATH).await,
            }
        }
    }

    fn welcome(&self, stream: UnixStream) {
        let clients = Rc::clone(&self.clients);
        let presence = Presence::new(&clients);
        if clients.count.get() > MAX_CLIENTS {
            let message = format!("{MAX_CLIENTS} clients are connected already");
            let fault = Fault::new(ErrorCode::TooManyClients, message);
            spawn_local(async move {
                let _ = outbox::refuse(&stream, fault).await;
                drop(presence);
            });
            return;
        }
        let (edge, farewell) = (Rc::clone(&self.edge), clients.farewell.subscribe());
        spawn_local(async move {
            connection::serve(stream, edge, farewell).await;
            drop(presence);
        });
    }
}

impl Clients {
    /// Let every client have its last answer, for so long at most.
    pub(crate) async fn say_farewell(&self, within: Duration) {
        self.farewell.send_replace(true);
        let all_left = async {
            while self.count.get() > 0 {
                self.left.notified().await;
            }
        };
        let _ = timeout(within, all_left).await;
    }
}

/// One client, counted as long as this lives.
struct Presence(Rc<Clients>);

impl Presence {
    fn new(clients: &Rc<Clients>) -> Self {
        clients.count.set(clients.count.get() + 1);
        Self(Rc::clone(clients))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.left.notify_one();
    }
}
