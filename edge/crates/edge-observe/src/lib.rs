//! What the edge has seen: counters that each worker owns, and the log of events.
//!
//! A worker writes its own counters with plain stores and hands events to a bounded queue; the
//! main thread reads them, and numbers and logs the events. Nothing here makes a worker wait.
#![forbid(unsafe_code)]

mod channel;
mod counter;
mod event_limiter;
mod handshakes;
mod histogram;
mod log;
mod observatory;
mod own_connections;
mod sites;
mod worker;

pub use channel::{EventQueue, EventSender, StampedEvent};
pub use log::{EventLog, Page};
pub use observatory::Observatory;
pub use sites::{RequestUnderWay, SiteSlot, SiteSlots};
pub use worker::{BufferedBytes, HandshakeFault, HandshakeRecord, UpstreamFault, WorkerObserver};
