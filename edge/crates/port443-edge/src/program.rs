//! The program from start to end: lock the runtime directory, start, serve, drain.

use std::cell::RefCell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use edge_observe::EventQueue;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::task::spawn_local;
use tokio::time::sleep_until;

use crate::arguments::Arguments;
use crate::boot::BootCopy;
use crate::control::Control;
use crate::drain::{Signals, run_until_drained};
use crate::edge::Edge;
use crate::logger::{self, Level};
use crate::runtime_directory::RuntimeDirectory;

/// How long clients of the control socket may take to read their last reply.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Serve until a drain has ended. The error is one message for the operator.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), String> {
    arguments.logger.clone().install()?;
    // New files and sockets are accessible to this user only.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let runtime_directory = RuntimeDirectory::acquire(&arguments.runtime)?;
    let signals = Signals::catch().map_err(|error| error.to_string())?;
    raise_descriptor_limit();
    let (edge, queue) = start(arguments).map_err(|error| error.to_string())?;
    let edge = Rc::new(RefCell::new(edge));
    let control = Control::new(runtime_directory.listen()?, Rc::clone(&edge))?;
    spawn_local(number_events(queue, Rc::clone(&edge)));
    spawn_local(signals.handle(Rc::clone(&edge)));
    let clients = control.clients();
    let serving = spawn_local(control.serve());
    run_until_drained(&edge).await;
    serving.abort();
    clients.shut_down(SHUTDOWN_TIMEOUT).await;
    logger::log(Level::Info, "edge_ended", []);
    Ok(())
}

fn start(arguments: &Arguments) -> std::io::Result<(Edge, EventQueue)> {
    let mut copy = BootCopy::open(&arguments.runtime)?;
    let recovered = copy.recover();
    let (mut edge, queue) = Edge::start(boot_id()?, arguments.workers, copy)?;
    match recovered {
        Ok(None) => {}
        Ok(Some(recovered)) => {
            if arguments.bind {
                edge.bind(&recovered.root.listeners);
            }
            edge.recover(recovered);
        }
        Err(error) => logger::log(
            Level::Error,
            "boot_copy_unusable",
            [("cause", error.to_string().into())],
        ),
    }
    let running = edge.running.load().root.map(|hash| hash.to_string());
    let (boot, workers) = (edge.boot.clone(), arguments.workers);
    let fields = [
        ("boot", boot.into()),
        ("workers", workers.into()),
        ("running", running.into()),
    ];
    logger::log(Level::Info, "edge_started", fields);
    Ok((edge, queue))
}

/// Append the workers' events to the log, in the order in which they arrive.
async fn number_events(mut queue: EventQueue, edge: Rc<RefCell<Edge>>) {
    let log = Rc::clone(&edge.borrow().log);
    loop {
        let due = log.borrow().summary_due();
        let summary = async {
            match due {
                Some(due) => sleep_until(due.into()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = summary => log.borrow_mut().append_summaries(),
            event = queue.next() => match event {
                Some(event) => {
                    let mut log = log.borrow_mut();
                    log.append_limited(&event);
                    log.record_dropped(queue.dropped());
                }
                None => return,
            },
        }
    }
}

/// 64 random bits in hexadecimal, unique to this start.
fn boot_id() -> std::io::Result<String> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Raise the soft limit to the hard one: a proxied connection uses two descriptors, and the usual soft limit
/// is 1024.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        logger::log(
            Level::Warning,
            "descriptor_limit_kept",
            [("cause", error.to_string().into())],
        );
    }
}
