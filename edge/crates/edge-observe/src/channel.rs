//! The bounded queue of events from the workers to the main thread. A worker never blocks on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

use edge_contract::Event;
use tokio::sync::mpsc;

/// The most queued events. Large enough for the time in which the main thread applies a snapshot.
const CAPACITY: usize = 8192;

/// An event with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampedEvent {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The event.
    pub event: Event,
}

impl StampedEvent {
    /// Create a stamped event with the current time.
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

/// The sending end, usable from any thread. Events are dropped and counted when the queue is full.
#[derive(Clone)]
pub struct EventSender {
    queue: mpsc::Sender<StampedEvent>,
    dropped: Arc<AtomicU64>,
}

/// The receiving end, used by the main thread.
pub struct EventQueue {
    queue: mpsc::Receiver<StampedEvent>,
    dropped: Arc<AtomicU64>,
}

/// Create a queue.
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
    /// Send an event. `event` is only called if the queue has room.
    pub fn send(&self, event: impl FnOnce() -> Event) {
        match self.queue.try_reserve() {
            Ok(permit) => permit.send(StampedEvent::now(event())),
            Err(_) => {
                self.dropped.fetch_add(1, Relaxed);
            }
        }
    }
}

impl EventQueue {
    /// Wait for the next event; `None` if every sender was dropped.
    pub async fn next(&mut self) -> Option<StampedEvent> {
        self.queue.recv().await
    }

    /// The next event, if one is queued.
    pub fn try_next(&mut self) -> Option<StampedEvent> {
        self.queue.try_recv().ok()
    }

    /// The number of events that were dropped since the edge started.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}
