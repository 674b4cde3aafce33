//! Forwarding, the same for every version of HTTP: from a name to its destination, to a server and
//! back with its answer.
//!
//! What runs is made at apply and shared by the workers, without a lock: [`Running`] leads names to
//! a [`Destination`], a site has its [`PoolRuntime`], and that knows how its servers are reached and
//! which of them answer. What a worker has of its own is in its [`WorkerContext`]: connections to
//! servers, spare memory and the [`budget`] that bounds it.
//!
//! A request passes [`route()`] (which site), `admit` (whether the site takes it, within which
//! limits) and [`forward()`] (a server's connection, and the exchange on it). A version of HTTP
//! stands on this with an implementation of [`Client`]; what it speaks to its clients over is not
//! known here.
#![forbid(unsafe_code)]

mod admit;
pub mod budget;
mod buffer;
mod client;
mod connections;
mod connector;
mod context;
mod deadline;
mod destination;
mod exchange;
mod forward;
mod health;
pub mod limits;
pub mod loop_tick;
pub mod peer_end;
mod pool;
mod request;
mod route;
mod running;
mod site;
mod spare;
pub mod tunnel;

pub use buffer::Buffer;
pub use client::{Client, ClientFault, Framing, Piece};
pub use connections::{ServerConnection, WorkerPools};
pub use context::{ConnectionContext, WorkerContext};
pub use deadline::Deadline;
pub use destination::{Destination, NameRefusal};
pub use forward::{Outcome, forward, refuse};
pub use pool::PoolRuntime;
pub use request::Request;
pub use route::{Route, route, site_of};
pub use running::{ListenerRuntime, Running};
pub use site::{SiteHsts, SiteRuntime};
pub use spare::{FieldList, Text};
