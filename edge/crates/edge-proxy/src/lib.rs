//! Connections of the edge: accept, decide, hand to HTTP, stream to upstreams.
//!
//! One worker is one thread with one runtime; nothing in here is shared between workers but the
//! pointer to what is [`Running`] and the counters that each worker owns.
#![forbid(unsafe_code)]

mod accept;
mod clear_http;
mod connection;
mod counted;
mod date;
mod http1;
mod http2;
mod redirect;
mod strangers;
mod worker;

pub use worker::{Worker, spawn_worker};
