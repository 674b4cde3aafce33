//! HTTP/2 with clients: many requests at once on one connection (RFC 9113).

mod client;
mod half_closed;
mod session;
mod shared;

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use edge_contract::RequestRefusal;
use edge_forward::{
    Client as _, ConnectionContext, Deadline, Request, Route, Text, forward, limits, refuse, route,
};
use edge_http::field_section;
use edge_http::http2::Config;
use edge_http::{BodyKind, Method};
use edge_tls::TlsStream;

use crate::counted::Counted;
use crate::http1::wait_drained;
use client::Http2Client;
use session::Session;
use shared::Shared;

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

/// A request that was read, on its way to a task of its own.
struct Accepted {
    stream: u32,
    /// The head that it has on its way to a server.
    head: Text,
    method: Method,
    body: BodyKind,
    has_ended: bool,
    route: Result<Route, RequestRefusal>,
}

impl Accepted {
    /// Judge a request, and write its head.
    fn new(
        stream: u32,
        has_ended: bool,
        request: &field_section::Request,
        context: &ConnectionContext,
    ) -> Self {
        let route = match request.refusal() {
            Some(refusal) => Err(refusal),
            None => route(context, Some(request.host())),
        };
        let mut head = Text::default();
        if route.is_ok() {
            head = Text::new();
            request.write(&mut head, context.client());
        }
        Self {
            stream,
            head,
            method: request.method(),
            body: request.body(),
            has_ended,
            route,
        }
    }

    /// Whether its host is none for this connection.
    fn is_misdirected(&self) -> bool {
        matches!(self.route, Err(RequestRefusal::Misdirected))
    }

    async fn serve(self, shared: Shared, context: Rc<ConnectionContext>) {
        let mut client = Http2Client::new(shared, self.stream, self.method, self.has_ended);
        let body_timeout = context.worker.running.load().limits.body_timeout_ms;
        let mut deadline = Deadline::after(Duration::from_millis(body_timeout));
        match self.route {
            Ok(route) => {
                client.frame_body(self.body);
                let request = Request {
                    head: &self.head,
                    method: self.method,
                    has_body: !client.request_has_ended(),
                    body: self.body,
                    asks_upgrade: false,
                };
                forward(&mut client, &request, &route, &context, &mut deadline).await;
            }
            Err(refusal) => {
                let route = Route::of_connection(&context);
                refuse(&mut client, &route, &context, refusal);
            }
        }
        client.linger(&mut deadline).await;
    }
}
