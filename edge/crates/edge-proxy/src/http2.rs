//! HTTP/2 with clients: concurrent requests on one connection (RFC 9113).
//!
//! ```text
//! Session (the connection's task) ── Reader ── spawns ──► RequestTask ── forwards by ──► Http2Client
//!        └──────────────┴──────────── Shared ◄──────────────────────────────────────────────┘
//! ```
//! The session owns the socket: it reads frames, and writes the frames of all streams. Each request has its
//! own task. They share [`shared::Shared`], which has the protocol's state and the wakers.

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

use crate::counted_stream::CountedStream;
use crate::http1::wait_for_drain;
use session::Session;

/// The most concurrent streams of a connection (`SETTINGS_MAX_CONCURRENT_STREAMS`).
const MAX_STREAMS: u32 = 128;
/// The receive windows in bytes, of one stream and of the connection. They are reopened as bodies are sent
/// to servers.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Serve a connection until it is closed.
pub(crate) async fn serve(stream: TlsStream, context: Rc<ConnectionContext>) {
    let worker = Rc::clone(&context.worker);
    let limits = context.limits();
    let config = Config {
        streams: MAX_STREAMS,
        stream_window: STREAM_WINDOW,
        connection_window: CONNECTION_WINDOW,
        limits: limits::of_request(&limits),
    };
    let stream = CountedStream::new(stream, Rc::clone(&worker));
    let mut session = Session::new(stream, context, config, &limits);
    session
        .run(pin!(wait_for_drain(worker.draining.clone())))
        .await;
}
