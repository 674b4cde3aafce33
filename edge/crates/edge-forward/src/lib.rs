//! Forwarding, the same for every version of HTTP: from what runs to a site, a server and its answer.
#![forbid(unsafe_code)]

pub mod budget;
mod buffer;
mod client;
mod context;
mod deadline;
mod exchange;
mod forward;
pub mod limits;
pub mod loop_tick;
pub mod peer_end;
mod pool;
mod route;
mod running;
mod spare;
pub mod tunnel;
mod upstream;

pub use buffer::Buffer;
pub use client::{Client, ClientFault, Framing, Piece};
pub use context::{ConnectionContext, ListenerRuntime, SiteHsts, SiteRuntime, WorkerContext};
pub use deadline::Deadline;
pub use forward::{Outcome, Request, forward, note_refusal};
pub use pool::Pools;
pub use route::{Route, route, site_of};
pub use running::Running;
pub use spare::{FieldList, Text};
pub use upstream::ServerConnection;
