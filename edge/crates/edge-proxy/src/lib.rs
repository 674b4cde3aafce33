//! Connections of clients: accepting, TLS handshakes, HTTP/1 and HTTP/2.
//!
//! A worker is one thread with one runtime. Workers share nothing here but the pointer to what is
//! running and the counters that each of them owns. What a request needs behind its client, from
//! its route to a server's answer, is [`edge_forward`]'s.
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
