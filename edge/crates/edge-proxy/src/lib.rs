//! Connections of clients over TCP: accepting, the TLS handshake, HTTP/1 and HTTP/2.
//!
//! A [`Worker`] is one thread with one single-threaded runtime, its own listening sockets and its own
//! connections. [`spawn_worker`] starts one. The main thread sends it commands: a [`ListeningSocket`] to
//! accept from, a new snapshot, a deadline for draining. Workers share only the pointer to the running
//! snapshot, and the objects in it.
//!
//! One connection, module by module:
//!
//! - `accept`: accepts it within the limits of the worker and of each client (`client_limits`).
//! - `connection`: reads the hello, finds the destination and performs the handshake; a connection on a
//!   port for plain HTTP goes to `redirect` instead, and plain HTTP on a TLS port to `clear_http`.
//! - `http1`: requests one after another; `http2`: a task for each stream. Both implement
//!   [`edge_forward::Client`].
//!
//! Routing, connections to servers and responses are in [`edge_forward`]; parsing is in [`edge_http`], TLS in
//! [`edge_tls`].
//!
//! This crate must not know the control socket, the boot copy, documents of the contract beyond limits
//! and listeners, or how servers are connected to.
//!
//! Start at `connection::serve`.
#![forbid(unsafe_code)]

mod accept;
mod clear_http;
mod client_limits;
mod connection;
mod counted_stream;
mod date;
mod http1;
mod http2;
mod listening_socket;
mod redirect;
mod worker;

pub use listening_socket::ListeningSocket;
pub use worker::{Worker, spawn_worker};
