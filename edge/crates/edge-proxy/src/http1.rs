//! HTTP/1.1 with clients: one request after the other on one connection (RFC 9112 §9).

mod client;
mod intake;
mod next;
mod tunnel;

use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use edge_http::page::Page;
use edge_http::write::{self, Message};
use edge_http::{BodyKind, Field, Forwarded, Refusal, RequestHead};
use edge_tls::TlsStream;

use crate::alarm::Alarm;
use crate::client::Client as _;
use crate::context::ConnectionContext;
use crate::counted::Counted;
use crate::forward::{Outcome, Request, forward, note_refusal};
use crate::route::{Route, route};
use crate::spare::Text;
pub(crate) use client::{Http1Client, policy_of};
pub(crate) use next::{Next, next_request, wait_drained};

/// Serve a connection until one of both sides has had enough.
pub(crate) async fn serve(stream: TlsStream, context: Rc<ConnectionContext>) {
    let worker = &context.worker;
    let limits = worker.running.load().limits;
    let mut client = Http1Client::new(Counted::new(stream, Rc::clone(worker)));
    let mut alarm = Alarm::after(Duration::from_millis(limits.idle_timeout_ms));
    let mut drained = pin!(wait_drained(worker.draining.clone()));
    loop {
        let outcome = match next_request(&mut client, &limits, &mut alarm, drained.as_mut()).await {
            Next::Request(head, fields) => {
                answer(&mut client, &context, (&head, &fields), &mut alarm).await
            }
            Next::Silence => break,
            Next::Refused(refusal) => {
                client.give_up_reading();
                refuse(&mut client, &context, refusal)
            }
        };
        match outcome {
            Outcome::Answered => {}
            Outcome::BrokenOff => return,
            Outcome::Upgraded(connection, early) => {
                return tunnel::run(client, connection, early).await;
            }
        }
        alarm.set(Duration::from_millis(limits.body_timeout_ms));
        if client.flush(&mut alarm).await.is_err() {
            return;
        }
        if !client.may_continue() {
            break;
        }
    }
    client.close(&mut alarm).await;
}

async fn answer(
    client: &mut Http1Client<TlsStream>,
    context: &ConnectionContext,
    (head, fields): (&RequestHead, &[Field]),
    alarm: &mut Alarm,
) -> Outcome {
    let input = client.received();
    let host = head.host.map(|host| host.of(input));
    let route = match route(context, host) {
        Ok(route) => route,
        Err(refusal) => {
            client.begin_request(head);
            return refuse(client, context, refusal);
        }
    };
    let mut text = Text::new();
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
    forward(client, &request, &route, context, alarm).await
}

fn write_head(
    text: &mut Vec<u8>,
    message: Message<'_, RequestHead>,
    host: Option<&[u8]>,
    context: &ConnectionContext,
) {
    let forwarded = Forwarded {
        peer: context.peer.ip(),
        host,
    };
    match host {
        Some(host) => write::request(text, message, host, &forwarded),
        // HTTP/1.0 needs no Host, but our request does (RFC 9112 §3.2).
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

fn refuse(
    client: &mut Http1Client<TlsStream>,
    context: &ConnectionContext,
    refusal: Refusal,
) -> Outcome {
    let route = Route::of_connection(context);
    note_refusal(context, &route, refusal);
    let page = Page {
        status: refusal.status(),
        sentence: refusal.sentence(),
    };
    client.send_page(&page, route.hsts());
    Outcome::Answered
}
