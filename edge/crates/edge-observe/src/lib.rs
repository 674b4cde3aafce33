//! Counters of each worker, and the numbered event log of one boot.
//!
//! No lock is taken to count, or to send an event:
//!
//! - **Workers write.** Each worker has one [`WorkerObserver`], which cannot be shared, so every counter
//!   has one writer and needs plain stores only. Requests are counted by site in a [`SiteSlot`]. An event
//!   goes through an [`EventSender`] into a bounded queue; when that is full, the event is dropped and
//!   counted.
//! - **The main thread reads.** [`Observatory`] sums up the counters of all workers for the contract's
//!   `EdgeStats`. [`EventQueue`] yields [`StampedEvent`]s, which [`EventLog`] numbers and stores in bounded
//!   memory. A reader reads a [`Page`] after a number; one that is too slow is sent the number of events
//!   that it missed. Events that clients can cause are rate limited by kind; the excess is summarized.
//!
//! The control plane announces its own handshakes ([`Observatory::expect`]), which are not counted. Workers
//! lock that list only while it is not empty.
//!
//! This crate must not know how connections are served: its callers pass ids, addresses and reasons. It
//! opens no socket and writes no file.
//!
//! Start at [`WorkerObserver::handshake_failed`] and follow the event to [`EventLog::append_limited`].
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
pub use sites::{ActiveRequest, SiteSlot, SiteSlots};
pub use worker::{BufferedBytes, HandshakeFault, HandshakeRecord, UpstreamFault, WorkerObserver};
