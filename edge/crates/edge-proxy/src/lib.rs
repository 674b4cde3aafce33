//! Connections of the edge: accept, decide, hand to HTTP, stream to upstreams.
//!
//! One worker is one thread with one runtime; nothing in here is shared between workers but the
//! pointer to what is [`Running`] and the counters that each worker owns.
#![forbid(unsafe_code)]

mod accept;
mod clear_http;
mod connection;
mod counted;
mod http1;
mod http2;
mod moment;
mod redirect;
mod strangers;
mod worker;

use edge_forward::{Running, spare, tunnel, turn, upstream};
use edge_forward::{alarm, buffer, client, context, forward, half_closed, limits, pool, route};
pub use worker::{Worker, spawn_worker};
