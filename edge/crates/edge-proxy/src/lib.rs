//! Connections of clients over TCP: accepting, the TLS handshake, HTTP/1 and HTTP/2.
//!
//! A [`Worker`] is one thread with one single-threaded runtime, its own listening sockets and its own
//! connections. [`spawn_worker`] starts one. The main thread sends it commands: a [`ListeningSocket`] to
//! accept from, a new snapshot to look at, a deadline to drain by. Workers share nothing but the pointer
//! to what is running and the counters that each of them owns.
//!
//! One connection, module by module:
//!
//! - `accept`: takes it from the socket, within the limits of the worker and of each client
//!   (`client_limits`).
//! - `connection`: reads the hello, finds the destination and performs the handshake; a connection on a
//!   port for plain HTTP goes to `redirect` instead, and HTTP in clear on a TLS port to `clear_http`.
//! - `http1`: one request after the other; `http2`: a task for each stream. Both implement
//!   [`edge_forward::Client`].
//!
//! What a request needs behind its client, from its route to a server's response, is in
//! [`edge_forward`]; parsing is in [`edge_http`], TLS in [`edge_tls`].
//!
//! This crate must not know the control socket, the boot copy, documents of the contract beyond limits
//! and listeners, or how a server is reached.
//!
//! Start at `connection::serve`, the life of one connection.
#![forbid(unsafe_code)]

mod accept;
mod clear_http;
mod client_limits;
mod connection;
mod counted;
mod date;
mod http1;
mod http2;
mod listening_socket;
mod redirect;
mod worker;

pub use listening_socket::ListeningSocket;
pub use worker::{Worker, spawn_worker};
