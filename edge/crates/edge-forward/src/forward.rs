//! Forwarding, the same for every version of HTTP: find a server, send it the request, pass its answer on.

mod download;
mod error;
mod response;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use edge_contract::{RequestRefusal, UpstreamFailure};
use edge_http::ResponseHead;
use edge_http::page::Page;
use edge_observe::UpstreamFault;

use crate::admit::{Admission, admit};
use crate::buffer::Buffer;
use crate::client::{Client, ClientFault};
use crate::connections::{Reuse, ServerConnection, WorkerPool};
use crate::context::ConnectionContext;
use crate::deadline::Deadline;
use crate::exchange::Exchange;
use crate::request::Request;
use crate::route::Route;
use error::{ExchangeError, ForwardError, failure_page};

/// Interim responses that a server may send before its final one.
const MOST_INTERIM: u32 = 32;

/// How it ended.
pub enum Outcome {
    /// The client got a whole answer, be it a page of ours.
    Answered,
    /// The client left, or got an answer that is visibly broken off.
    BrokenOff,
    /// The connection now belongs to another protocol; these bytes came with the switch.
    Upgraded(ServerConnection, Buffer),
}

/// A server's final response: its head, and where the body comes from.
type Answered<'a> = (Exchange<'a>, ResponseHead);

/// Forward a request and its response; every way out has told its events and counted.
pub async fn forward(
    client: &mut impl Client,
    request: &Request<'_>,
    route: &Route,
    context: &ConnectionContext,
    deadline: &mut Deadline,
) -> Outcome {
    let admission = match admit(request, route, context) {
        Ok(admission) => admission,
        Err(refusal) => {
            refuse(client, route, context, refusal);
            return Outcome::Answered;
        }
    };
    let forwarding = Forwarding::new(request, route, context, admission);
    if let Some(whole) = forwarding.admission.request_timeout {
        deadline.end_within(whole);
    }
    let mut answer = forwarding.answer(client, deadline).await;
    // Looked at where it lies: the future of each request would store a moved one twice.
    let passed = match &mut answer {
        Ok(answered) => forwarding.pass_on(client, answered, deadline).await,
        Err(_) => Ok(()),
    };
    let outcome = match answer {
        Ok(answered) => forwarding.conclude(client, answered, passed),
        Err(error) => forwarding.send_error(client, &error),
    };
    deadline.forget_end();
    outcome
}

/// Refuse a request: tell, count and answer with a page.
pub fn refuse(
    client: &mut impl Client,
    route: &Route,
    context: &ConnectionContext,
    refusal: RequestRefusal,
) {
    let (observer, site) = (&context.worker.observer, &route.site);
    let status = refusal.status();
    observer.request_refused(&site.id, context.peer, refusal, status);
    observer.request_answered(&site.slot, status);
    let page = Page {
        status,
        sentence: refusal.sentence(),
    };
    client.send_page(&page, route.hsts());
}

struct Forwarding<'a> {
    request: &'a Request<'a>,
    route: &'a Route,
    context: &'a ConnectionContext,
    admission: Admission,
    pool: Rc<WorkerPool>,
    response_timeout: Duration,
}

impl<'a> Forwarding<'a> {
    fn new(
        request: &'a Request<'a>,
        route: &'a Route,
        context: &'a ConnectionContext,
        admission: Admission,
    ) -> Self {
        let pool = context.worker.pools.pool(&route.site.pool);
        Self {
            request,
            route,
            context,
            admission,
            response_timeout: Duration::from_millis(pool.document().response_timeout_ms),
            pool,
        }
    }

    /// Send the request to a server; once more when the request got lost and may be sent twice.
    async fn answer(
        &self,
        client: &mut impl Client,
        deadline: &mut Deadline,
    ) -> Result<Answered<'_>, ForwardError> {
        let is_repeatable = self.request.method.is_idempotent() && !self.request.has_body;
        let mut reuse = if is_repeatable {
            Reuse::Repeatable
        } else {
            Reuse::Unrepeatable
        };
        loop {
            let connection = self.connect(client, reuse).await?;
            let server = connection.server_index();
            let mut exchange = Exchange::new(
                connection,
                self.request.head,
                // What an attempt before this one has read of the body is measured already.
                self.admission
                    .body_bytes
                    .saturating_sub(client.request_parts()[1].len() as u64),
            );
            match self.send_request(client, &mut exchange, deadline).await {
                Ok(head) => return Ok((exchange, head)),
                Err(ExchangeError::Client(fault)) => return Err(ForwardError::Client(fault)),
                Err(ExchangeError::Server(UpstreamFailure::ClosedEarly))
                    if reuse != Reuse::Never && may_repeat(&exchange, is_repeatable) =>
                {
                    reuse = Reuse::Never;
                }
                Err(ExchangeError::Server(reason)) => {
                    return Err(ForwardError::Server(reason, Some(server)));
                }
            }
        }
    }

    /// Have a connection to a server, for as long as the client waits for one.
    async fn connect(
        &self,
        client: &mut impl Client,
        reuse: Reuse,
    ) -> Result<ServerConnection, ForwardError> {
        if let Some(connection) = self.pool.take_warm(reuse) {
            return Ok(connection);
        }
        // Seldom, so it has a box of its own, and the future of each request stays small.
        let mut connecting = Box::pin(self.pool.connect(reuse));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = connecting.as_mut().poll(context) {
                let outcome = outcome.map_err(|it| ForwardError::Server(it.reason, it.server));
                return Poll::Ready(outcome);
            }
            ready!(client.poll_gone(context));
            Poll::Ready(Err(ForwardError::Client(ClientFault::Gone)))
        })
        .await
    }

    /// Send the request, and wait for the final response's head; interim ones are passed on.
    async fn send_request(
        &self,
        client: &mut impl Client,
        exchange: &mut Exchange<'_>,
        deadline: &mut Deadline,
    ) -> Result<ResponseHead, ExchangeError> {
        deadline.set(if self.request.has_body {
            self.admission.body_timeout
        } else {
            self.response_timeout
        });
        for _ in 0..MOST_INTERIM {
            let head = poll_fn(|it| self.poll_head(it, client, exchange, deadline)).await?;
            match head.status {
                101 if self.request.asks_upgrade => return Ok(head),
                101 => break,
                100..=199 => {
                    client.send_interim(exchange.message(&head));
                    exchange.pass_interim(&head);
                }
                _ => return Ok(head),
            }
        }
        Err(ExchangeError::Server(UpstreamFailure::ResponseMalformed))
    }

    fn poll_head(
        &self,
        context: &mut Context<'_>,
        client: &mut impl Client,
        exchange: &mut Exchange<'_>,
        deadline: &mut Deadline,
    ) -> Poll<Result<ResponseHead, ExchangeError>> {
        exchange
            .poll_upload(context, client)
            .map_err(ExchangeError::Client)?;
        if let Poll::Ready(outcome) = client.poll_flush(context) {
            outcome.map_err(ExchangeError::Client)?;
        }
        let head = exchange.poll_head(context, self.request.method, &self.admission.response_head);
        if let Poll::Ready(outcome) = head {
            return Poll::Ready(outcome.map_err(|it| ExchangeError::of_server(it, exchange)));
        }
        if client.poll_gone(context).is_ready() {
            return Poll::Ready(Err(ExchangeError::Client(ClientFault::Gone)));
        }
        if exchange.take_moved() {
            let waits_for_answer = exchange.is_sent();
            deadline.set(if waits_for_answer {
                self.response_timeout
            } else {
                self.admission.body_timeout
            });
        }
        ready!(deadline.poll_due(context));
        Poll::Ready(Err(if deadline.is_at_end() {
            ExchangeError::REQUEST_TIMEOUT
        } else {
            timeout_before_answer(client, exchange)
        }))
    }

    /// Answer with a page, where there is somebody to read it.
    fn send_error(&self, client: &mut impl Client, error: &ForwardError) -> Outcome {
        match *error {
            ForwardError::Client(ClientFault::Gone | ClientFault::Cut) => {
                return Outcome::BrokenOff;
            }
            ForwardError::Client(ClientFault::Refused(refusal)) => {
                refuse(client, self.route, self.context, refusal);
            }
            ForwardError::Server(reason, server) => {
                let page = failure_page(reason);
                self.note_failure(reason, server, page.status);
                self.note_answered(page.status);
                client.send_page(&page, self.route.hsts());
            }
        }
        Outcome::Answered
    }

    fn note_answered(&self, status: u16) {
        let observer = &self.context.worker.observer;
        observer.request_answered(&self.route.site.slot, status);
    }

    fn note_failure(&self, reason: UpstreamFailure, server: Option<usize>, status: u16) {
        let label = server.map_or("", |index| self.pool.label(index));
        let (site, pool) = (&self.route.site.id, &self.pool.document().id);
        let fault = UpstreamFault {
            site,
            pool,
            server: label,
            reason,
            status,
        };
        self.context.worker.observer.upstream_failed(fault);
    }
}

/// RFC 9112 §9.3.1: a warm connection may end just as we write to it.
fn may_repeat(exchange: &Exchange<'_>, is_repeatable: bool) -> bool {
    let got_lost = exchange.connection.is_reused && !exchange.is_answered();
    exchange.is_untouched() || is_repeatable && got_lost
}

/// Before the answer: who has kept the other waiting?
fn timeout_before_answer(client: &impl Client, exchange: &Exchange<'_>) -> ExchangeError {
    if waits_for_client(client, exchange) {
        ExchangeError::Client(ClientFault::Refused(RequestRefusal::BodyTimeout))
    } else {
        ExchangeError::of_server(UpstreamFailure::ResponseTimeout, exchange)
    }
}

/// Whether all that came of the request was sent on, and more has to come.
fn waits_for_client(client: &impl Client, exchange: &Exchange<'_>) -> bool {
    exchange.is_sending()
        && !client.request_has_ended()
        && client.request_parts().iter().all(|part| part.is_empty())
}
