//! Connections of the edge: accept, decide, hand to HTTP, stream to upstreams.
//!
//! One worker is one thread with one runtime; nothing in here is shared between workers but the
//! pointer to what is [`Running`] and the counters that each worker owns.
#![forbid(unsafe_code)]

mod context;
mod running;

pub use context::{ListenerRuntime, SiteHsts, SiteRuntime};
pub use running::Running;
