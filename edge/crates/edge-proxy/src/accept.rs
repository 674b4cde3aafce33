//! Accepting connections within limits, and starting a task for each.

use std::cell::{Cell, RefCell};
use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_contract::{HandshakeFailure, Limits, Role};
use edge_forward::{ListenerRuntime, WorkerContext};
use edge_http::page::{Page, PageOptions, write_page};
use edge_http::write::ConnectionField;
use edge_observe::HandshakeFault;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::client_limits::{ClientKey, ClientTable, LimitExceeded};
use crate::connection;
use crate::date::date_now;

/// The pause after accepting failed because of exhausted resources.
const BACK_OFF: Duration = Duration::from_millis(50);

/// Counts the open connections of a worker, in total and by client.
#[derive(Clone)]
pub(crate) struct Connections(Rc<Count>);

struct Count {
    open: Cell<u64>,
    clients: RefCell<ClientTable>,
    all_closed: Notify,
}

impl Connections {
    /// Create it without connections.
    pub(crate) fn new() -> Self {
        Self(Rc::new(Count {
            open: Cell::new(0),
            clients: RefCell::new(ClientTable::new()),
            all_closed: Notify::new(),
        }))
    }

    /// Wait until all connections are closed.
    pub(crate) async fn all_closed(&self) {
        while self.0.open.get() > 0 {
            self.0.all_closed.notified().await;
        }
    }

    /// Count one more connection; the error is the limit that is reached.
    fn admit(
        &self,
        peer: SocketAddr,
        limits: &Limits,
        role: Role,
    ) -> Result<Option<ClientKey>, LimitReached> {
        if self.0.open.get() >= limits.connections_per_worker {
            return Err(LimitReached::Worker);
        }
        let mut clients = self.0.clients.borrow_mut();
        let begins_handshake = match role {
            Role::Https => true,
            Role::Redirect => false,
        };
        let client = clients.admit(peer.ip(), limits, begins_handshake, Instant::now());
        let client = client.map_err(LimitReached::Client)?;
        self.0.open.set(self.0.open.get() + 1);
        Ok(client)
    }

    fn release(&self, client: Option<ClientKey>) {
        if let Some(client) = client {
            self.0.clients.borrow_mut().release(client);
        }
        self.0.open.set(self.0.open.get() - 1);
        if self.0.open.get() == 0 {
            self.0.all_closed.notify_one();
        }
    }
}

/// Why a connection is refused.
#[derive(Clone, Copy)]
enum LimitReached {
    Worker,
    Client(LimitExceeded),
}

impl LimitReached {
    fn detail(self) -> &'static str {
        match self {
            Self::Worker => "the worker has limits.connections.per_worker connections",
            Self::Client(LimitExceeded::Connections) => {
                "the client has limits.connections.per_address connections on the worker"
            }
            Self::Client(LimitExceeded::Handshakes) => {
                "the client exceeds limits.handshakes.per_second and its burst"
            }
        }
    }

    /// The error page, on a listener for plain HTTP (RFC 6585 §4).
    fn page(self) -> Page {
        match self {
            Self::Worker => Page {
                status: 503,
                sentence: "This server has reached its connection limit.",
            },
            Self::Client(_) => Page {
                status: 429,
                sentence: "Your address has reached its connection limit on this server.",
            },
        }
    }
}

/// Counts an open connection until it is dropped.
struct OpenConnection {
    connections: Connections,
    client: Option<ClientKey>,
    worker: Rc<WorkerContext>,
}

impl OpenConnection {
    fn new(connections: Connections, client: Option<ClientKey>, worker: Rc<WorkerContext>) -> Self {
        worker.observer.connection_opened();
        Self {
            connections,
            client,
            worker,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.worker.observer.connection_closed();
        self.connections.release(self.client);
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
            // The client aborted the connection before it was accepted (accept(2)).
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
    let running = worker.running.load();
    let Some(listener) = running.listener(listener).cloned() else {
        return; // The listener has just been removed from the snapshot.
    };
    let client = match connections.admit(peer, &running.limits, listener.document.role) {
        Ok(client) => client,
        Err(limit) => return refuse(tcp, peer, &listener, worker, limit),
    };
    let open = OpenConnection::new(connections.clone(), client, Rc::clone(worker));
    let worker = Rc::clone(worker);
    spawn_local(async move {
        connection::serve(tcp, peer, listener, worker).await;
        drop(open);
    });
}

/// Record and close a connection that exceeds a limit.
fn refuse(
    tcp: TcpStream,
    peer: SocketAddr,
    listener: &ListenerRuntime,
    worker: &WorkerContext,
    limit: LimitReached,
) {
    worker.observer.handshake_failed(HandshakeFault {
        listener: &listener.document.id,
        peer,
        server_name: None,
        reason: HandshakeFailure::Overloaded,
        detail: limit.detail(),
        alert: None,
    });
    match listener.document.role {
        Role::Https => {}
        Role::Redirect => {
            if let Ok(tcp) = tcp.into_std() {
                send_page(tcp, &limit.page());
            }
        }
    }
}

/// Write a page without blocking, as far as possible.
fn send_page(mut tcp: std::net::TcpStream, page: &Page) {
    let mut text = Vec::new();
    let options = PageOptions {
        date: &date_now(),
        connection: ConnectionField::Close,
        is_head: false,
        hsts: None,
    };
    write_page(&mut text, page, &options);
    // Closing a socket with unread bytes resets the connection, and the page would be lost.
    let _ = tcp.read(&mut [0; 4096]);
    let _ = tcp.write(&text);
}

/// Whether accepting failed because descriptors or memory are exhausted.
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
