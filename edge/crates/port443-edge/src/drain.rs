//! Drain and signals: close the listeners, then let the workers close their connections before a deadline.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_contract::Event;
use edge_proxy::Worker;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::edge::Edge;

/// The time after the deadline after which a worker that has not ended is abandoned.
const GRACE: Duration = Duration::from_millis(500);

/// Wait until a drain begins, then drain all workers.
pub(crate) async fn run_until_drained(edge: &Rc<RefCell<Edge>>) {
    let mut drain_deadline = edge.borrow().drain_deadline();
    while drain_deadline.borrow_and_update().is_none() {
        if drain_deadline.changed().await.is_err() {
            return;
        }
    }
    let mut workers = {
        let mut edge = edge.borrow_mut();
        edge.close_listeners();
        edge.record(Event::DrainStarted);
        std::mem::take(&mut edge.workers)
    };
    let mut remaining = drain_workers(&workers, &mut drain_deadline);
    while let Some(worker) = workers.last_mut() {
        tokio::select! {
            () = worker.ended() => drop(workers.pop()),
            () = tokio::time::sleep(remaining + GRACE) => break,
            // The deadline is earlier now.
            changed = drain_deadline.changed() => match changed {
                Ok(()) => remaining = drain_workers(&workers, &mut drain_deadline),
                Err(_) => break,
            },
        }
    }
    edge.borrow().record(Event::DrainEnded);
}

/// Request every worker to drain within the remaining time, which is returned.
fn drain_workers(
    workers: &[Worker],
    drain_deadline: &mut watch::Receiver<Option<Instant>>,
) -> Duration {
    let deadline = *drain_deadline.borrow_and_update();
    let remaining = deadline.map_or(Duration::ZERO, |at| {
        at.saturating_duration_since(Instant::now())
    });
    for worker in workers {
        worker.drain(remaining);
    }
    remaining
}

/// Signal numbers of Linux for which tokio has no name.
const SIGVTALRM: i32 = 26;
const SIGPROF: i32 = 27;

/// Signal handling: SIGTERM and SIGQUIT drain within the drain timeout; SIGINT, or a second signal, without
/// delay.
pub(crate) struct Signals {
    terminate: Signal,
    quit: Signal,
    interrupt: Signal,
    /// Caught because their default action would end the process: a closed terminal, a log rotation, a timer.
    _ignored: [Signal; 7],
}

impl Signals {
    /// Install the handlers, which replaces the default actions.
    pub(crate) fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            interrupt: signal(SignalKind::interrupt())?,
            _ignored: [
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

    /// Handle signals until the task is aborted.
    pub(crate) async fn handle(mut self, edge: Rc<RefCell<Edge>>) {
        let mut is_first = true;
        loop {
            let graceful = tokio::select! {
                _ = self.terminate.recv() => is_first,
                _ = self.quit.recv() => is_first,
                _ = self.interrupt.recv() => false,
            };
            let edge = edge.borrow();
            let timeout = edge.running.load().limits.drain_timeout_ms;
            edge.drain_within(if graceful {
                Duration::from_millis(timeout)
            } else {
                Duration::ZERO
            });
            is_first = false;
        }
    }
}
