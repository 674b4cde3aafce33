//! A worker's sockets and its end, on a real thread with real sockets.
#![allow(clippy::unwrap_used, reason = "a panic is how a test reports")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use edge_contract::{Hash, Limits, Listener, Parts, Role, Root};
use edge_forward::Running;
use edge_observe::{EventQueue, Observatory};
use edge_proxy::{ListeningSocket, Worker, spawn_worker};

/// What takes so long hangs; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(60);
/// A drain that no test lives to see run out.
const ENDLESS: Duration = Duration::from_secs(1 << 20);

/// A worker and the main thread's ends of it.
struct Stage {
    worker: Worker,
    running: Arc<ArcSwap<Running>>,
    observatory: Observatory,
    _events: EventQueue,
}

impl Stage {
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

    /// Run a snapshot that consists of these https listeners.
    fn name(&self, listeners: &[&Listener]) {
        let root = Root {
            contract: 1,
            listeners: listeners.iter().copied().cloned().collect(),
            limits: Limits::default(),
            sites: BTreeMap::new(),
            default_site: None,
            ticket_keys: Vec::new(),
            parts: Vec::new(),
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
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(self.worker.join().is_ok()));
        assert_eq!(Ok(true), told.recv_timeout(PATIENCE));
    }
}

fn wait(condition: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not so in time");
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

/// Whether a worker answers on a listener: it tells a client in clear where to go.
fn answers(listener: &Listener) -> bool {
    let mut tcp = TcpStream::connect(listener.address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    answer.starts_with("HTTP/1.1 400 ")
}

fn is_closed(listener: &Listener) -> bool {
    TcpStream::connect(listener.address)
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_socket_is_accepted_from_when_the_snapshot_names_its_listener() {
    let stage = Stage::new();
    let ((early, first), (late, second)) = (socket(), socket());
    stage.worker.listen(&first.id, early);
    stage.name(&[&first, &second]);
    stage.worker.listen(&second.id, late);
    assert!(answers(&first) && answers(&second));
}

#[test]
fn a_socket_whose_listener_was_never_named_is_kept() {
    let stage = Stage::new();
    let ((early, first), (other, second)) = (socket(), socket());
    stage.worker.listen(&first.id, early);
    stage.worker.listen(&second.id, other);
    stage.name(&[&second]);
    assert!(answers(&second));
    // Connections wait in the socket's queue until it is accepted from.
    let mut waiting = TcpStream::connect(first.address).unwrap();
    stage.name(&[&first, &second]);
    waiting.write_all(b"noise").unwrap();
    assert_eq!(0, waiting.read(&mut [0; 1]).unwrap());
}

#[test]
fn a_listener_that_leaves_is_closed_and_the_others_stay() {
    let stage = Stage::new();
    let ((one, first), (two, second)) = (socket(), socket());
    stage.worker.listen(&first.id, one);
    stage.worker.listen(&second.id, two);
    stage.name(&[&first, &second]);
    assert!(answers(&first) && answers(&second));
    stage.name(&[&second]);
    wait(|| is_closed(&first));
    assert!(answers(&second));
}

#[test]
fn several_sockets_of_a_listener_are_all_accepted_from() {
    let stage = Stage::new();
    let ((one, first), (two, second)) = (socket(), socket());
    stage.worker.listen(&first.id, one);
    stage.worker.listen(&first.id, two);
    stage.name(&[&first]);
    assert!(answers(&first) && answers(&second));
}

#[test]
fn an_empty_worker_ends_at_once() {
    let stage = Stage::new();
    let (one, first) = socket();
    stage.worker.listen(&first.id, one);
    stage.name(&[&first]);
    assert!(answers(&first));
    stage.wait_open(0);
    stage.worker.drain(ENDLESS);
    stage.end();
    assert!(is_closed(&first));
}

#[test]
fn a_drain_waits_for_connections_but_not_for_ever() {
    let stage = Stage::new();
    let (one, first) = socket();
    stage.worker.listen(&first.id, one);
    stage.name(&[&first]);
    let mut held = TcpStream::connect(first.address).unwrap();
    stage.wait_open(1);
    stage.worker.drain(ENDLESS);
    wait(|| is_closed(&first));
    assert_eq!(1, stage.observatory.connections_open());
    // A second, shorter word counts.
    stage.worker.drain(Duration::ZERO);
    stage.end();
    assert_eq!(0, held.read(&mut [0; 1]).unwrap());
}
