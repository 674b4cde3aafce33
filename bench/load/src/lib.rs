//! The load of the bench: one thread that drives many connections, counts what was answered, and proves it.
//!
//! It is small on purpose: it shares its processor with the backend, and what it saves there keeps the
//! proxy that is measured busy.

pub mod arguments;
pub mod channel;
pub mod connection;
pub mod exchange;
pub mod fault;
pub mod floor;
pub mod h1;
pub mod h2;
pub mod plan;
pub mod reactor;
pub mod tally;
pub mod tickets;
pub mod trust;
