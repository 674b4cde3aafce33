//! Forwarding, the same for every version of HTTP: from a name to its destination, to a server and back
//! with its response.
//!
//! What runs is built at apply and shared by all workers without a lock:
//!
//! - [`Running`] is one snapshot, ready to serve. It maps each name to a [`Destination`]: a site, or a
//!   refusal with its reason.
//! - [`SiteRuntime`] holds what a site's connections and requests need; [`PoolRuntime`] holds its pool:
//!   for each server a connector and a circuit breaker.
//!
//! What one worker has of its own is in its [`WorkerContext`]: connections to servers ([`WorkerPools`]),
//! spare memory, and the [`budget`] that bounds that memory. [`ConnectionContext`] adds what one client's
//! connection has.
//!
//! A request passes three steps: [`route()`] finds its site, `admit` checks that site's limits and returns
//! the bounds for this request, and [`forward()`] gets a connection to a server, runs the exchange on it
//! and passes the response on. After an upgrade the module [`tunnel`] copies bytes both ways.
//!
//! A version of HTTP stands on this crate with an implementation of [`Client`]. This crate must not know
//! which version a client speaks, over what, or how sockets are accepted; it reads no settings and has no
//! idea of the control plane.
//!
//! Start at [`forward()`] for requests and at [`Running::build`] for snapshots.
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
