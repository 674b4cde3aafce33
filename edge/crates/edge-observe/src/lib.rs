//! Counters and events: what each worker counts, and the numbered event log of one boot.
//!
//! Two sides, and no lock between them on the way of a client's event:
//!
//! - **Workers write.** Each worker has one [`WorkerObserver`], which cannot be shared, so every counter
//!   has one writer and needs plain stores only. Requests are counted by site in a [`SiteSlot`]. An event
//!   goes through an [`EventSender`] into a bounded queue; when that is full, the event is dropped and
//!   counted.
//! - **The main thread reads.** [`Observatory`] sums up the counters of all workers for the contract's
//!   `Stats`. [`EventQueue`] yields [`StampedEvent`]s, which [`EventLog`] numbers and stores in bounded
//!   memory. A reader asks for a [`Page`] after a number; one that is too slow learns how many events it
//!   lost. Kinds of events that clients can cause are limited in rate; the rest is counted and summed up.
//!
//! The control plane announces its own handshakes ([`Observatory::expect`]), and those count as no
//! client's; workers take the lock around that list only while it is not empty.
//!
//! This crate must not know what is served or how: its callers pass ids, addresses and reasons. It opens
//! no socket and writes no file.
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
pub use sites::{RequestUnderWay, SiteSlot, SiteSlots};
pub use worker::{BufferedBytes, HandshakeFault, HandshakeRecord, UpstreamFault, WorkerObserver};
