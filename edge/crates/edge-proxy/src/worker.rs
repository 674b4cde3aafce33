//! A worker: a thread with its own runtime, sockets and connections.

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

/// The main thread's handle to a worker.
///
/// Sending a command never blocks. Commands are executed in order; a worker that has ended ignores them.
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
    /// Accept on a socket once the snapshot names its listener.
    pub fn listen(&self, listener: &str, socket: ListeningSocket) {
        self.send(Command::Listen {
            listener: listener.to_owned(),
            socket,
        });
    }

    /// Follow a new snapshot: close the sockets of removed listeners, and accept on those of new ones.
    pub fn refresh(&self) {
        self.send(Command::Refresh);
    }

    /// Stop accepting and close open connections gracefully. Those that are open after this time are
    /// aborted. A running drain is only ever shortened.
    pub fn drain(&self, within: Duration) {
        self.send(Command::Drain { within });
    }

    /// Wait until the worker has ended, which it does after a drain.
    pub async fn ended(&mut self) {
        let _ = (&mut self.ended).await;
    }

    /// Wait for the thread of a worker that has ended.
    pub fn join(self) -> thread::Result<()> {
        self.thread.join()
    }

    fn send(&self, command: Command) {
        // Fails only if the worker has ended.
        let _ = self.commands.send(command);
    }
}

/// Start a worker on a new thread.
pub fn spawn_worker(
    index: usize,
    running: Arc<ArcSwap<Running>>,
    observer: WorkerObserver,
) -> io::Result<Worker> {
    let (sender, commands) = mpsc::unbounded_channel();
    let (ending, ended) = oneshot::channel();
    let (starting, started) = std::sync::mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name(format!("edge-worker-{index}"))
        .spawn(move || {
            // A local runtime must be created on its own thread.
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
                run(&runtime, running, observer, commands);
            }
            let _ = ending.send(());
        })?;
    started.recv().map_err(io::Error::other)??;
    Ok(Worker {
        commands: sender,
        ended,
        thread,
    })
}

fn run(
    runtime: &LocalRuntime,
    running: Arc<ArcSwap<Running>>,
    observer: WorkerObserver,
    commands: mpsc::UnboundedReceiver<Command>,
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
    runtime.block_on(task.run(commands));
}

/// The worker's main task.
struct MainTask {
    context: Rc<WorkerContext>,
    connections: Connections,
    drain: watch::Sender<bool>,
    /// Sockets whose listener the snapshot does not name yet.
    waiting: HashMap<String, Vec<ListeningSocket>>,
    /// A task for each socket; dropping a set ends them and closes the sockets.
    accepting: HashMap<String, JoinSet<()>>,
}

impl MainTask {
    async fn run(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Listen { listener, socket } => {
                    self.waiting.entry(listener).or_default().push(socket);
                    self.refresh();
                }
                Command::Refresh => self.refresh(),
                Command::Drain { within } => return self.drain(within, commands).await,
            }
        }
    }

    /// Accept on exactly the sockets whose listener the snapshot names.
    fn refresh(&mut self) {
        let running = self.context.running.load_full();
        self.accepting
            .retain(|listener, _| running.listener(listener).is_some());
        let named = |listener: &String, _: &mut Vec<_>| running.listener(listener).is_some();
        for (listener, sockets) in self.waiting.extract_if(named) {
            let tasks = self.accepting.entry(listener.clone()).or_default();
            for socket in sockets {
                spawn_accept(socket, &listener, tasks, &self.context, &self.connections);
            }
        }
    }

    /// Drain until all connections are closed, or the earliest deadline.
    async fn drain(mut self, within: Duration, mut commands: mpsc::UnboundedReceiver<Command>) {
        self.waiting.clear();
        self.accepting.clear();
        self.drain.send_replace(true);
        let mut deadline = Instant::now() + within;
        loop {
            tokio::select! {
                () = self.connections.all_closed() => return,
                () = tokio::time::sleep_until(deadline) => return,
                Some(command) = commands.recv() => {
                    if let Command::Drain { within } = command {
                        deadline = deadline.min(Instant::now() + within);
                    }
                }
            }
        }
    }
}

/// Start the task that accepts on a socket.
fn spawn_accept(
    socket: ListeningSocket,
    listener: &str,
    tasks: &mut JoinSet<()>,
    context: &Rc<WorkerContext>,
    connections: &Connections,
) {
    // Fails only for what is not a listening socket, which the main thread has checked.
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
