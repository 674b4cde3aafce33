//! The way from the workers to the log: bounded, and never waited on by a worker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use edge_contract::Event;
use tokio::sync::mpsc;

/// Events that may wait for the main thread, which may be busy applying a snapshot.
const CAPACITY: usize = 8192;

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedEvent {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub event: Event,
}

impl StampedEvent {
    /// Stamp an event with the time of the call.
    #[must_use]
    pub fn now(event: Event) -> Self {
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            at_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            event,
        }
    }
}

/// Takes events from any thread; when the queue is full they are counted and dropped.
#[derive(Clone)]
pub struct EventSender {
    queue: mpsc::Sender<StampedEvent>,
    dropped: Arc<AtomicU64>,
}

/// Where the main thread takes events out.
pub struct EventQueue {
    queue: mpsc::Receiver<StampedEvent>,
    dropped: Arc<AtomicU64>,
}

/// Make the two ends of a queue.
pub(crate) fn event_channel() -> (EventSender, EventQueue) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let dropped = Arc::new(AtomicU64::new(0));
    let queue = EventQueue {
        queue: receiver,
        dropped: Arc::clone(&dropped),
    };
    (
        EventSender {
            queue: sender,
            dropped,
        },
        queue,
    )
}

impl EventSender {
    /// Send an event; it is not even made when there is no room for it.
    pub fn send(&self, event: impl FnOnce() -> Event) {
        match self.queue.try_reserve() {
            Ok(place) => place.send(StampedEvent::now(event())),
            Err(_) => {
                self.dropped.fetch_add(1, Relaxed);
            }
        }
    }
}

impl EventQueue {
    /// Wait for the next event; `None` when every sender is gone.
    pub async fn next(&mut self) -> Option<StampedEvent> {
        self.queue.recv().await
    }

    /// The next event when one is waiting already.
    pub fn next_waiting(&mut self) -> Option<StampedEvent> {
        self.queue.try_recv().ok()
    }

    /// How many events found no room since the edge started.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}
