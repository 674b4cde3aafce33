//! A worker: one thread, one runtime, its own sockets, its own connections.

use std::collections::HashMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arc_swap::ArcSwap;
use edge_forward::{Running, WorkerContext, budget, loop_tick};
use edge_observe::WorkerObserver;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::accept::{self, Connections};
use crate::listening_socket::ListeningSocket;

/// The main thread's end of a worker.
///
/// Its commands are taken in order and never wait; a worker that has ended ignores them.
pub struct Worker {
    commands: mpsc::UnboundedSender<Command>,
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

enum Command {
    Listen {
        listener: String,
        socket: ListeningSocket,
    },
    Refresh,
    Drain {
        within: Duration,
    },
}

impl Worker {
    /// Take what comes by another socket as soon as the snapshot names its listener.
    pub fn listen(&self, listener: &str, socket: ListeningSocket) {
        self.send(Command::Listen {
            listener: listener.to_owned(),
            socket,
        });
    }

    /// Another snapshot runs: close the sockets of listeners that left, accept from new ones.
    pub fn refresh(&self) {
        self.send(Command::Refresh);
    }

    /// Accept no more and end open connections politely; those that are left by then, at once.
    pub fn drain(&self, within: Duration) {
        self.send(Command::Drain { within });
    }

    /// Wait until the worker has ended, which it does after a drain only.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Wait for the thread of a worker that has ended.
    pub fn join(self) -> thread::Result<()> {
        self.thread.join()
    }

    fn send(&self, command: Command) {
        // Only a worker that has ended does not listen, and it has nothing left to do.
        let _ = self.commands.send(command);
    }
}

/// Start a worker on a thread of its own.
pub fn spawn_worker(
    index: usize,
    running: Arc<ArcSwap<Running>>,
    observer: WorkerObserver,
) -> io::Result<Worker> {
    let (commands, received) = mpsc::unbounded_channel();
    let (ending, ended) = oneshot::channel();
    let (starting, started) = std::sync::mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name(format!("edge-worker-{index}"))
        .spawn(move || {
            // A runtime for what stays on one thread cannot be made on another.
            let buffered = observer.bytes_buffered();
            let runtime = Builder::new_current_thread()
                .enable_all()
                .on_thread_park(move || buffered.set(budget::reserved()))
                .on_thread_unpark(loop_tick::begin)
                .build_local(LocalOptions::default());
            let runtime = runtime.map_err(|error| starting.send(Err(error)));
            if let Ok(runtime) = runtime
                && starting.send(Ok(())).is_ok()
            {
                run(&runtime, running, observer, received);
            }
            let _ = ending.send(());
        })?;
    started.recv().map_err(io::Error::other)??;
    Ok(Worker {
        commands,
        ended,
        thread,
    })
}

fn run(
    runtime: &LocalRuntime,
    running: Arc<ArcSwap<Running>>,
    observer: WorkerObserver,
    received: mpsc::UnboundedReceiver<Command>,
) {
    let (drain, draining) = watch::channel(false);
    let context = WorkerContext::new(running, observer, draining);
    let task = MainTask {
        context: Rc::new(context),
        connections: Connections::new(),
        drain,
        waiting: HashMap::new(),
        accepting: HashMap::new(),
    };
    runtime.block_on(task.run(received));
}

/// The worker's main task.
struct MainTask {
    context: Rc<WorkerContext>,
    connections: Connections,
    drain: watch::Sender<bool>,
    /// Sockets that came before the snapshot that names their listener.
    waiting: HashMap<String, Vec<ListeningSocket>>,
    /// A task for each socket; dropping a set ends them and closes the sockets.
    accepting: HashMap<String, JoinSet<()>>,
}

impl MainTask {
    async fn run(mut self, mut received: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = received.recv().await {
            match command {
                Command::Listen { listener, socket } => {
                    self.waiting.entry(listener).or_default().push(socket);
                    self.refresh();
                }
                Command::Refresh => self.refresh(),
                Command::Drain { within } => return self.end(within, received).await,
            }
        }
    }

    /// Accept where the snapshot says so, and nowhere else.
    fn refresh(&mut self) {
        let running = self.context.running.load_full();
        self.accepting
            .retain(|listener, _| running.listener(listener).is_some());
        let named = |listener: &String, _: &mut Vec<_>| running.listener(listener).is_some();
        for (listener, sockets) in self.waiting.extract_if(named) {
            let tasks = self.accepting.entry(listener.clone()).or_default();
            for socket in sockets {
                serve_from(socket, &listener, tasks, &self.context, &self.connections);
            }
        }
    }

    /// End politely, in the time that the last word on it leaves.
    async fn end(mut self, within: Duration, mut received: mpsc::UnboundedReceiver<Command>) {
        self.waiting.clear();
        self.accepting.clear();
        self.drain.send_replace(true);
        let mut deadline = Instant::now() + within;
        loop {
            tokio::select! {
                () = self.connections.none_left() => return,
                () = tokio::time::sleep_until(deadline) => return,
                Some(command) = received.recv() => {
                    if let Command::Drain { within } = command {
                        deadline = deadline.min(Instant::now() + within);
                    }
                }
            }
        }
    }
}

/// Start the task that takes what comes by a socket.
fn serve_from(
    socket: ListeningSocket,
    listener: &str,
    tasks: &mut JoinSet<()>,
    context: &Rc<WorkerContext>,
    connections: &Connections,
) {
    // Both only fail for what is no socket of ours; the main thread has looked at it before.
    if socket.set_nonblocking().is_err() {
        return;
    }
    match socket {
        ListeningSocket::Tcp(socket) => {
            if let Ok(socket) = tokio::net::TcpListener::from_std(socket) {
                let (listener, context) = (listener.to_owned(), Rc::clone(context));
                tasks.spawn_local(accept::accept(
                    socket,
                    listener,
                    context,
                    connections.clone(),
                ));
            }
        }
    }
}
