//! HTTP/2 with clients: many requests at once on one connection (RFC 9113).

mod client;
mod request;
mod response;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use edge_http::page::Page;
use edge_http::{Method, Refusal};
use edge_snapshot::Limits;
use edge_tls::TlsStream;
use h2::RecvStream;
use h2::server::{Builder, Connection, SendResponse};
use http::Request as HttpRequest;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::alarm::Alarm;
use crate::client::Client as _;
use crate::context::ConnectionContext;
use crate::counted::Counted;
use crate::forward::{Request, forward, note_refusal};
use crate::http1::wait_drained;
use crate::limits;
use crate::route::{Route, route};
use crate::spare::Text;
use client::Http2Client;
use request::describe;

/// Requests that a client may have open at once.
const MOST_STREAMS: u32 = 128;
/// Bytes of bodies that a client may send before we have passed them on: for one stream, for all.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of a response that may wait for the client's window.
const MOST_SENDING: usize = 64 * 1024;
/// Streams that were reset, by either side, and are still remembered (CVE-2023-44487).
const MOST_RESET: usize = 64;
/// Larger frames would only make other streams wait.
const FRAME_BYTES: u32 = 16 * 1024;

type Http2Connection = Connection<Counted<TlsStream>, Bytes>;

/// Serve a connection until one of both sides has had enough.
pub(crate) async fn serve(stream: TlsStream, context: Rc<ConnectionContext>) {
    let limits = context.worker.running.load().limits;
    let stream = Counted::new(stream, Rc::clone(&context.worker));
    let greeting = builder(&limits).handshake(stream);
    let patience = Duration::from_millis(limits.header_timeout_ms);
    let Ok(Ok(connection)) = timeout(patience, greeting).await else {
        return;
    };
    let idle_timeout = Duration::from_millis(limits.idle_timeout_ms);
    let alarm = Alarm::after(idle_timeout);
    let mut session = Session {
        connection,
        context,
        alarm,
        idle_timeout,
        is_ending: false,
    };
    let mut drained = pin!(wait_drained(session.context.worker.draining.clone()));
    poll_fn(|it| session.poll(it, drained.as_mut())).await;
}

fn builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MOST_STREAMS)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .max_send_buffer_size(MOST_SENDING)
        .max_concurrent_reset_streams(MOST_RESET)
        .max_pending_accept_reset_streams(MOST_RESET)
        .max_local_error_reset_streams(Some(MOST_RESET));
    builder
}

/// One connection: it accepts requests and gives each a task.
struct Session {
    connection: Http2Connection,
    context: Rc<ConnectionContext>,
    alarm: Alarm,
    idle_timeout: Duration,
    is_ending: bool,
}

impl Session {
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        drained: Pin<&mut impl Future<Output = ()>>,
    ) -> Poll<()> {
        if !self.is_ending && drained.poll(context).is_ready() {
            self.end();
        }
        loop {
            ready!(self.poll_accept(context));
            if self.is_ending {
                return Poll::Ready(());
            }
            // Nobody has asked for anything for long: say so, and then wait no longer than that.
            self.end();
            self.alarm.set(self.idle_timeout);
        }
    }

    /// Accept requests; ready when there will be none, or were none for too long.
    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.connection.poll_accept(context) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    spawn_local(serve_request(request, respond, Rc::clone(&self.context)));
                }
                Poll::Ready(_) => {
                    self.is_ending = true;
                    return Poll::Ready(());
                }
                Poll::Pending => break,
            }
        }
        if self.connection.has_streams() {
            self.alarm.set(self.idle_timeout);
        }
        self.alarm.poll_due(context)
    }

    /// Take no more requests, and end when the open ones are answered (RFC 9113 §6.8).
    fn end(&mut self) {
        self.is_ending = true;
        self.connection.graceful_shutdown();
    }
}

async fn serve_request(
    request: HttpRequest<RecvStream>,
    respond: SendResponse<Bytes>,
    context: Rc<ConnectionContext>,
) {
    let (parts, body) = request.into_parts();
    let method = Method::of(parts.method.as_str().as_bytes());
    let limits = context.worker.running.load().limits;
    let described = limits::check_fields(&parts.headers, &limits)
        .and_then(|()| describe(&parts, body.is_end_stream()));
    let routed = described.and_then(|it| route(&context, Some(it.host)).map(|route| (it, route)));
    let mut client = Http2Client::new(body, respond, method);
    let mut alarm = Alarm::after(Duration::from_millis(limits.body_timeout_ms));
    match routed {
        Ok((described, route)) => {
            let mut head = Text::new();
            described.write(&mut head, context.peer.ip());
            client.frame_body(described.body);
            let has_body = !client.request_has_ended();
            let request = Request {
                head: &head,
                method,
                has_body,
                body: described.body,
                asks_upgrade: false,
            };
            forward(&mut client, &request, &route, &context, &mut alarm).await;
        }
        Err(refusal) => refuse(&mut client, &context, refusal),
    }
    client.linger(&mut alarm).await;
}

fn refuse(client: &mut Http2Client, context: &ConnectionContext, refusal: Refusal) {
    let route = Route::of_connection(context);
    note_refusal(context, &route, refusal);
    let page = Page {
        status: refusal.status(),
        sentence: refusal.sentence(),
    };
    client.send_page(&page, route.hsts());
}
