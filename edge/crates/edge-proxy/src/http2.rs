//! HTTP/2 with clients: many requests at once on one connection (RFC 9113).
//!
//! ```text
//! Session (the connection's task) ── Reader ── spawns ──► RequestTask ── forwards by ──► Http2Client
//!        └──────────────┴──────────── Shared ◄──────────────────────────────────────────────┘
//! ```
//! The session owns the socket: it reads frames, and sends what streams have written. Each request
//! has a task of its own. They meet in [`shared::Shared`], the protocol's state and its wakers.

mod client;
mod half_closed;
mod reader;
mod request_task;
mod send_queue;
mod session;
mod shared;
mod stream;

use std::pin::pin;
use std::rc::Rc;

use edge_forward::{ConnectionContext, limits};
use edge_http::http2::Config;
use edge_tls::TlsStream;

use crate::counted::Counted;
use crate::http1::wait_drained;
use session::Session;

/// Requests that a client may have open at once.
const MOST_STREAMS: u32 = 128;
/// Bytes of bodies that a client may send before we have passed them on: for one stream, for all.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Serve a connection until one of both sides has had enough.
pub(crate) async fn serve(stream: TlsStream, context: Rc<ConnectionContext>) {
    let worker = Rc::clone(&context.worker);
    let limits = context.limits();
    let config = Config {
        streams: MOST_STREAMS,
        stream_window: STREAM_WINDOW,
        connection_window: CONNECTION_WINDOW,
        limits: limits::of_request(&limits),
    };
    let stream = Counted::new(stream, Rc::clone(&worker));
    let mut session = Session::new(stream, context, config, &limits);
    session
        .run(pin!(wait_drained(worker.draining.clone())))
        .await;
}
