//! A worker's listening sockets and drain, on a real thread with real sockets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use edge_contract::bounds::CONTRACT;
use edge_contract::{Hash, Limits, Listener, Parts, Role, Root};
use edge_forward::Running;
use edge_observe::{EventQueue, Observatory};
use edge_proxy::{ListeningSocket, Worker, spawn_worker};

/// The timeout after which a test fails.
const TIMEOUT: Duration = Duration::from_secs(60);
/// A drain timeout that no test reaches.
const NO_TIMEOUT: Duration = Duration::from_secs(1 << 20);

/// A worker with its handles on the main thread.
struct Fixture {
    worker: Worker,
    running: Arc<ArcSwap<Running>>,
    observatory: Observatory,
    _events: EventQueue,
}

impl Fixture {
    fn new() -> Self {
        let (observatory, mut observers, events) = Observatory::new("boot", 1);
        let running = Arc::new(ArcSwap::from_pointee(Running::default()));
        let worker = spawn_worker(0, Arc::clone(&running), observers.remove(0)).unwrap();
        Self {
            worker,
            running,
            observatory,
            _events: events,
        }
    }

    /// Run a snapshot with these https listeners.
    fn name(&self, listeners: &[&Listener]) {
        let root = Root {
            contract: CONTRACT,
            listeners: listeners.iter().copied().cloned().collect(),
            limits: Limits::default(),
            sites: BTreeMap::new(),
            default_site: None,
            ticket_keys: Vec::new(),
            parts: Vec::new(),
            challenges: None,
        };
        let (next, _) =
            Running::build(&root, Hash::of("root"), &Parts::new(), &self.running.load());
        self.running.store(Arc::new(next));
        self.worker.refresh();
    }

    fn wait_open(&self, count: u64) {
        wait(|| self.observatory.connections_open() == count);
    }

    /// Wait until the worker has ended.
    fn end(self) {
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(self.worker.join().is_ok()));
        assert_eq!(Ok(true), receiver.recv_timeout(TIMEOUT));
    }
}

fn wait(condition: impl Fn() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !condition() {
        assert!(Instant::now() < end, "the condition is not met in time");
        thread::yield_now();
    }
}

fn socket() -> (ListeningSocket, Listener) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let listener = Listener {
        id: format!("https:{address}"),
        role: Role::Https,
        address,
        https_port: 443,
    };
    (ListeningSocket::Tcp(socket), listener)
}

/// Whether a worker serves a listener: it sends a 400 in response to plain HTTP.
fn responds(listener: &Listener) -> bool {
    let mut tcp = TcpStream::connect(listener.address).unwrap();
    tcp.set_read_timeout(Some(TIMEOUT)).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    tcp.read_to_string(&mut response).unwrap();
    response.starts_with("HTTP/1.1 400 ")
}

fn is_closed(listener: &Listener) -> bool {
    TcpStream::connect(listener.address)
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_socket_accepts_once_the_snapshot_names_its_listener() {
    let fixture = Fixture::new();
    let ((early, first), (late, second)) = (socket(), socket());
    fixture.worker.listen(&first.id, early);
    fixture.name(&[&first, &second]);
    fixture.worker.listen(&second.id, late);
    assert!(responds(&first) && responds(&second));
}

#[test]
fn a_socket_whose_listener_is_not_named_is_kept() {
    let fixture = Fixture::new();
    let ((early, first), (other, second)) = (socket(), socket());
    fixture.worker.listen(&first.id, early);
    fixture.worker.listen(&second.id, other);
    fixture.name(&[&second]);
    assert!(responds(&second));
    // Connections wait in the socket's backlog until they are accepted.
    let mut waiting = TcpStream::connect(first.address).unwrap();
    fixture.name(&[&first, &second]);
    waiting.write_all(b"noise").unwrap();
    assert_eq!(0, waiting.read(&mut [0; 1]).unwrap());
}

#[test]
fn a_removed_listener_is_closed_and_the_others_stay() {
    let fixture = Fixture::new();
    let ((one, first), (two, second)) = (socket(), socket());
    fixture.worker.listen(&first.id, one);
    fixture.worker.listen(&second.id, two);
    fixture.name(&[&first, &second]);
    assert!(responds(&first) && responds(&second));
    fixture.name(&[&second]);
    wait(|| is_closed(&first));
    assert!(responds(&second));
}

#[test]
fn all_sockets_of_a_listener_accept() {
    let fixture = Fixture::new();
    let ((one, first), (two, second)) = (socket(), socket());
    fixture.worker.listen(&first.id, one);
    fixture.worker.listen(&first.id, two);
    fixture.name(&[&first]);
    assert!(responds(&first) && responds(&second));
}

#[test]
fn a_worker_without_connections_drains_immediately() {
    let fixture = Fixture::new();
    let (one, first) = socket();
    fixture.worker.listen(&first.id, one);
    fixture.name(&[&first]);
    assert!(responds(&first));
    fixture.wait_open(0);
    fixture.worker.drain(NO_TIMEOUT);
    fixture.end();
    assert!(is_closed(&first));
}

#[test]
fn a_drain_waits_for_connections_until_its_deadline() {
    let fixture = Fixture::new();
    let (one, first) = socket();
    fixture.worker.listen(&first.id, one);
    fixture.name(&[&first]);
    let mut open = TcpStream::connect(first.address).unwrap();
    fixture.wait_open(1);
    fixture.worker.drain(NO_TIMEOUT);
    wait(|| is_closed(&first));
    assert_eq!(1, fixture.observatory.connections_open());
    // A second drain shortens the first.
    fixture.worker.drain(Duration::ZERO);
    fixture.end();
    assert_eq!(0, open.read(&mut [0; 1]).unwrap());
}
