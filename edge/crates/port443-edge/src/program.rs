//! The program from its start to its end.

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
use crate::edge::Edge;
use crate::ending::{Signals, wait_for_the_end};
use crate::journal::{self, Level};
use crate::place::Place;

/// How long clients of the control socket may take for their last answer.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serve until told to end; an error is one sentence for the operator.
pub(crate) async fn run(arguments: &Arguments) -> Result<(), String> {
    arguments.journal.clone().begin()?;
    // Whatever is made from here on is this user's alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let place = Place::claim(&arguments.runtime)?;
    let signals = Signals::catch().map_err(|error| error.to_string())?;
    raise_descriptor_limit();
    let (edge, queue) = start(arguments).map_err(|error| error.to_string())?;
    let edge = Rc::new(RefCell::new(edge));
    let control = Control::new(place.listen()?, Rc::clone(&edge))?;
    spawn_local(number_events(queue, Rc::clone(&edge)));
    spawn_local(signals.obey(Rc::clone(&edge)));
    let clients = control.clients();
    let serving = spawn_local(control.serve());
    wait_for_the_end(&edge).await;
    serving.abort();
    clients.say_farewell(FAREWELL).await;
    journal::say(Level::Info, "edge_ended", []);
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
        Err(error) => journal::say(
            Level::Error,
            "boot_copy_unusable",
            [("cause", error.to_string().into())],
        ),
    }
    let running = edge.running.load().root.map(|hash| hash.to_string());
    let (boot, workers) = (edge.boot.clone(), arguments.workers);
    let particulars = [
        ("boot", boot.into()),
        ("workers", workers.into()),
        ("running", running.into()),
    ];
    journal::say(Level::Info, "edge_started", particulars);
    Ok((edge, queue))
}

/// Put what the workers tell into the log, in the order in which it comes.
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
                    log.note_dropped(queue.dropped());
                }
                None => return,
            },
        }
    }
}

/// 64 random bits: another start must never be taken for this one.
fn boot_id() -> std::io::Result<String> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Each connection takes two descriptors; the usual soft limit of 1024 would be reached at once.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        journal::say(
            Level::Warning,
            "descriptor_limit_kept",
            [("cause", error.to_string().into())],
        );
    }
}
