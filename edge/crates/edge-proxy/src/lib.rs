//! Connections of the edge: accept, decide, hand to HTTP, stream to upstreams.
//!
//! One worker is one thread with one runtime; nothing in here is shared between workers but the
//! pointer to what is [`Running`] and the counters that each worker owns.
#![forbid(unsafe_code)]

mod accept;
mod alarm;
mod buffer;
mod clear_http;
mod client;
mod connection;
mod context;
mod counted;
mod exchange;
mod forward;
mod half_closed;
mod http1;
mod http2;
mod limits;
mod moment;
mod pool;
mod redirect;
mod route;
mod running;
mod spare;
mod strangers;
mod turn;
mod upstream;
mod worker;

pub use context::{ListenerRuntime, SiteHsts, SiteRuntime};
pub use running::Running;
pub use worker::{Worker, spawn_worker};
