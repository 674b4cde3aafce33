//! Forwarding, the same for every version of HTTP: from a name to its destination, to a server, and the
//! response back to the client.
//!
//! The following is built when a snapshot is applied, and shared by all workers without a lock:
//!
//! - [`Running`] is one snapshot, ready to serve. It maps each name to a [`Destination`]: a site, an ACME
//!   challenge, or a refusal with its reason.
//! - [`SiteRuntime`] is one site with its TLS configuration; [`PoolRuntime`] is its pool, with a connector
//!   and a circuit breaker for each server.
//!
//! Each worker has a [`WorkerContext`] with its connections to servers ([`WorkerPools`]), buffers to reuse,
//! and the [`budget`] that bounds their memory. A [`ConnectionContext`] adds the state of one client's
//! connection.
//!
//! A request passes three steps: [`route()`] finds its site, `admit` checks that site's limits and returns
//! the limits for this request, and [`forward()`] connects to a server, sends the request and forwards
//! the response. After an upgrade the module [`tunnel`] copies bytes in both directions.
//!
//! Each version of HTTP implements [`Client`]. This crate must not know which version a client uses, over
//! which transport, or how sockets are accepted; nor does it know of settings or of the control plane.
//!
//! Start at [`forward()`] for requests and at [`Running::build`] for snapshots.
#![forbid(unsafe_code)]

mod admit;
pub mod budget;
mod buffer;
mod challenge;
mod circuit_breaker;
mod client;
mod connections;
mod connector;
mod context;
mod deadline;
mod destination;
mod exchange;
mod forward;
mod free_list;
pub mod limits;
pub mod loop_tick;
pub mod peer_end;
mod pool;
mod request;
mod route;
mod running;
mod site;
pub mod tunnel;

pub use buffer::Buffer;
pub use challenge::ChallengeRuntime;
pub use client::{Client, ClientFault, Framing, Piece};
pub use connections::{ServerConnection, WorkerPools};
pub use context::{ConnectionContext, WorkerContext};
pub use deadline::Deadline;
pub use destination::{Destination, NameRefusal};
pub use forward::{Outcome, forward, refuse};
pub use free_list::{FieldList, RecycledVec};
pub use pool::PoolRuntime;
pub use request::Request;
pub use route::{Route, destination_of, route};
pub use running::{ListenerRuntime, Running};
pub use site::{SiteHsts, SiteRuntime};
