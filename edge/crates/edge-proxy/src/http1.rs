//! HTTP/1.1 with clients: the requests of a connection one after another (RFC 9112 §9).

mod client;
mod next;
mod request_reader;

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use edge_contract::{Limits, RequestRefusal};
use edge_forward::peer_end::poll_reset;
use edge_forward::{
    Buffer, ConnectionContext, Deadline, Outcome, RecycledVec, Request, Route, ServerConnection,
    forward, refuse, route, tunnel,
};
use edge_http::write::{self, Message};
use edge_http::{BodyKind, Field, Forwarded, RequestHead};
use edge_tls::TlsStream;

use crate::counted_stream::CountedStream;
pub(crate) use client::Http1Client;
pub(crate) use next::{Next, next_request, wait_for_drain};

/// Serve a connection until it is closed.
///
/// The memory of an idle connection is that of this future. States that do not wait for a request are
/// therefore boxed, and the client is captured, since an argument of an `async fn` would be stored twice.
pub(crate) fn serve(stream: TlsStream, context: Rc<ConnectionContext>) -> impl Future<Output = ()> {
    let mut client = Http1Client::new(CountedStream::new(stream, Rc::clone(&context.worker)));
    async move {
        let limits = context.limits();
        let mut deadline = Deadline::after(Duration::from_millis(limits.idle_timeout_ms));
        let mut drained = pin!(wait_for_drain(context.worker.draining.clone()));
        loop {
            let next = next_request(&mut client, &limits, &mut deadline, drained.as_mut()).await;
            match Box::pin(respond(&mut client, &context, next, &mut deadline, &limits)).await {
                AfterRequest::Next => {}
                AfterRequest::Close => return Box::pin(client.close(&mut deadline)).await,
                AfterRequest::Abandon => return,
                AfterRequest::Tunnel(connection, early) => {
                    let idle_timeout = Duration::from_millis(limits.tunnel_timeout_ms);
                    return Box::pin(tunnel_to(client, connection, early, idle_timeout)).await;
                }
            }
        }
    }
}

/// Copy bytes between client and server; `early` was received from the server after its head.
fn tunnel_to(
    client: Http1Client<TlsStream>,
    connection: ServerConnection,
    early: Buffer,
    idle_timeout: Duration,
) -> impl Future<Output = ()> {
    let (stream, received) = client.into_parts();
    let client = tunnel::TunnelEnd {
        stream,
        early: received,
    };
    let server = tunnel::TunnelEnd {
        stream: connection,
        early,
    };
    let mut reset = None;
    tunnel::run(client, server, idle_timeout, move |context, client| {
        poll_reset(context, &mut reset, client)
    })
}

/// What to do with the connection after a request.
enum AfterRequest {
    Next,
    Close,
    Abandon,
    Tunnel(ServerConnection, Buffer),
}

async fn respond(
    client: &mut Http1Client<TlsStream>,
    context: &ConnectionContext,
    next: Next,
    deadline: &mut Deadline,
    limits: &Limits,
) -> AfterRequest {
    let outcome = match next {
        Next::Request(head, fields) => {
            forward_request(client, context, (&head, &fields), deadline).await
        }
        Next::End => return AfterRequest::Close,
        Next::Refused(refusal) => {
            client.stop_reading();
            refuse_by_connection(client, context, refusal)
        }
    };
    match outcome {
        Outcome::Completed => {}
        Outcome::Aborted => return AfterRequest::Abandon,
        Outcome::Upgraded(connection, early) => return AfterRequest::Tunnel(connection, early),
    }
    deadline.set(Duration::from_millis(limits.body_timeout_ms));
    match client.flush(deadline).await {
        Err(_) => AfterRequest::Abandon,
        Ok(()) if client.can_continue() => AfterRequest::Next,
        Ok(()) => AfterRequest::Close,
    }
}

async fn forward_request(
    client: &mut Http1Client<TlsStream>,
    context: &ConnectionContext,
    (head, fields): (&RequestHead, &[Field]),
    deadline: &mut Deadline,
) -> Outcome {
    let input = client.received();
    let host = head.host.map(|host| host.of(input));
    let route = match route(context, host) {
        Ok(route) => route,
        Err(refusal) => {
            client.begin_request(head);
            if refusal == RequestRefusal::Misdirected && context.is_outdated() {
                // The connection cannot be used any more, so have the client open another one.
                client.close_after_response();
            }
            return refuse_by_connection(client, context, refusal);
        }
    };
    let mut text = RecycledVec::new();
    write_head(
        &mut text,
        Message {
            input,
            head,
            fields,
        },
        host,
        context,
    );
    client.begin_request(head);
    let request = Request {
        head: &text,
        method: head.method,
        has_body: !matches!(head.body, BodyKind::None | BodyKind::Length(0)),
        body: head.body,
        asks_upgrade: head.upgrade,
    };
    forward(client, &request, &route, context, deadline).await
}

fn write_head(
    text: &mut Vec<u8>,
    message: Message<'_, RequestHead>,
    host: Option<&[u8]>,
    context: &ConnectionContext,
) {
    let forwarded = Forwarded {
        peer: context.client(),
        host,
    };
    match host {
        Some(host) => write::request(text, message, host, &forwarded),
        // HTTP/1.0 needs no Host, but the HTTP/1.1 request to the server does (RFC 9112 §3.2).
        None => write::request(text, message, own_host(context).as_bytes(), &forwarded),
    }
}

fn own_host(context: &ConnectionContext) -> String {
    match (&context.server_name, context.local.ip().to_canonical()) {
        (Some(name), _) => name.clone(),
        (None, IpAddr::V4(address)) => address.to_string(),
        (None, IpAddr::V6(address)) => format!("[{address}]"),
    }
}

/// Refuse a request that was not routed, on behalf of the connection's site.
fn refuse_by_connection(
    client: &mut Http1Client<TlsStream>,
    context: &ConnectionContext,
    refusal: RequestRefusal,
) -> Outcome {
    refuse(client, &Route::of_connection(context), context, refusal);
    Outcome::Completed
}
