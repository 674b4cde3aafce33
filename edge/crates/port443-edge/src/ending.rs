//! The end: listeners closed, connections ended politely, and not a moment later than allowed.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_contract::Event;
use edge_proxy::Worker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::edge::Edge;

/// Workers that do not end by themselves are left behind after so much more time.
const GRACE: Duration = Duration::from_millis(500);

/// Wait until the edge is told to end, then end all that it serves.
pub(crate) async fn wait_for_the_end(edge: &Rc<RefCell<Edge>>) {
    let mut ending = edge.borrow().ending();
    while ending.borrow_and_update().is_none() {
        if ending.changed().await.is_err() {
            return;
        }
    }
    let mut workers = {
        let mut edge = edge.borrow_mut();
        edge.close_listeners();
        edge.tell(Event::DrainStarted);
        std::mem::take(&mut edge.workers)
    };
    let mut left = tell_workers(&workers, &mut ending);
    while let Some(worker) = workers.last_mut() {
        tokio::select! {
            () = worker.ended() => drop(workers.pop()),
            () = tokio::time::sleep(left + GRACE) => break,
            // Less time is left than before.
            changed = ending.changed() => match changed {
                Ok(()) => left = tell_workers(&workers, &mut ending),
                Err(_) => break,
            },
        }
    }
    edge.borrow().tell(Event::DrainEnded);
}

/// Send every worker the time that is left.
fn tell_workers(workers: &[Worker], ending: &mut watch::Receiver<Option<Instant>>) -> Duration {
    let deadline = *ending.borrow_and_update();
    let left = deadline.map_or(Duration::ZERO, |at| {
        at.saturating_duration_since(Instant::now())
    });
    for worker in workers {
        worker.drain(left);
    }
    left
}

/// Linux's number of a timer's signal that has no name in tokio.
const SIGVTALRM: i32 = 26;
/// As above.
const SIGPROF: i32 = 27;

/// Turn signals into an end: SIGTERM and SIGQUIT are polite, SIGINT and a second one are not.
pub(crate) struct Signals {
    terminate: Signal,
    quit: Signal,
    interrupt: Signal,
    /// Caught, so that no terminal that closes, rotation of logs or timer ends the edge.
    _harmless: [Signal; 7],
}

impl Signals {
    /// From here on these signals no longer end the process by themselves.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            interrupt: signal(SignalKind::interrupt())?,
            _harmless: [
                signal(SignalKind::hangup())?,
                signal(SignalKind::user_defined1())?,
                signal(SignalKind::user_defined2())?,
                signal(SignalKind::alarm())?,
                signal(SignalKind::io())?,
                signal(SignalKind::from_raw(SIGVTALRM))?,
                signal(SignalKind::from_raw(SIGPROF))?,
            ],
        })
    }

    /// Obey signals for ever.
    pub(crate) async fn obey(mut self, edge: Rc<RefCell<Edge>>) {
        let mut is_first = true;
        loop {
            let polite = tokio::select! {
                _ = self.terminate.recv() => is_first,
                _ = self.quit.recv() => is_first,
                _ = self.interrupt.recv() => false,
            };
            let edge = edge.borrow();
            let patience = edge.running.load().limits.drain_timeout_ms;
            edge.end_within(if polite {
                Duration::from_millis(patience)
            } else {
                Duration::ZERO
            });
            is_first = false;
        }
    }
}
