//! Forwarding, the same for every version of HTTP: connect to a server, send the request, and forward the
//! response.

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
use error::{ExchangeError, ForwardError};

/// The most interim responses before the final one.
const MAX_INTERIM: u32 = 32;

/// The result of [`forward`].
pub enum Outcome {
    /// The client was sent a complete response, or an error page.
    Completed,
    /// The client disconnected, or its response was aborted.
    Aborted,
    /// The connection was upgraded to another protocol; the first bytes received after the response.
    Upgraded(ServerConnection, Buffer),
}

/// The final response of a server: its head, and the exchange that the body is read from.
type FinalResponse<'a> = (Exchange<'a>, ResponseHead);

/// Forward a request and its response. All events and counters are recorded here, also for failures.
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
            return Outcome::Completed;
        }
    };
    let forwarder = Forwarder::new(request, route, context, admission);
    if let Some(total) = forwarder.admission.request_timeout {
        deadline.limit_total(total);
    }
    let mut response = forwarder.send(client, deadline).await;
    // Borrowed, not moved: a moved value would be stored twice in the future of each request.
    let transferred = match &mut response {
        Ok(response) => forwarder.forward_response(client, response, deadline).await,
        Err(_) => Ok(()),
    };
    let outcome = match response {
        Ok(response) => forwarder.finish(client, response, transferred),
        Err(error) => forwarder.send_error(client, &error),
    };
    deadline.clear_total();
    outcome
}

/// Refuse a request: record the refusal and send an error page.
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
    client.send_page(&refusal.into(), route.hsts());
}

struct Forwarder<'a> {
    request: &'a Request<'a>,
    route: &'a Route,
    context: &'a ConnectionContext,
    admission: Admission,
    pool: Rc<WorkerPool>,
    response_timeout: Duration,
}

impl<'a> Forwarder<'a> {
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

    /// Send the request to a server, and wait for the response. It is sent a second time if it was lost
    /// on an idle connection and may be repeated.
    async fn send(
        &self,
        client: &mut impl Client,
        deadline: &mut Deadline,
    ) -> Result<FinalResponse<'_>, ForwardError> {
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
                // Bytes that an earlier attempt has read are counted already.
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

    /// Get a connection to a server, unless the client disconnects first.
    async fn connect(
        &self,
        client: &mut impl Client,
        reuse: Reuse,
    ) -> Result<ServerConnection, ForwardError> {
        if let Some(connection) = self.pool.take_idle(reuse) {
            return Ok(connection);
        }
        // Boxed since it is rare, which keeps the future of each request small.
        let mut connecting = Box::pin(self.pool.connect(reuse));
        poll_fn(|context| {
            if let Poll::Ready(outcome) = connecting.as_mut().poll(context) {
                let outcome = outcome.map_err(|it| ForwardError::Server(it.reason, it.server));
                return Poll::Ready(outcome);
            }
            ready!(client.poll_disconnected(context));
            Poll::Ready(Err(ForwardError::Client(ClientFault::Disconnected)))
        })
        .await
    }

    /// Send the request, and wait for the head of the final response. Interim responses are forwarded.
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
        for _ in 0..MAX_INTERIM {
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
        if client.poll_disconnected(context).is_ready() {
            return Poll::Ready(Err(ExchangeError::Client(ClientFault::Disconnected)));
        }
        if exchange.take_progress() {
            let waits_for_response = exchange.is_sent();
            deadline.set(if waits_for_response {
                self.response_timeout
            } else {
                self.admission.body_timeout
            });
        }
        ready!(deadline.poll_due(context));
        Poll::Ready(Err(if deadline.is_total_due() {
            ExchangeError::REQUEST_TIMEOUT
        } else {
            timeout_before_response(client, exchange)
        }))
    }

    /// Send an error page, if the client can still read it.
    fn send_error(&self, client: &mut impl Client, error: &ForwardError) -> Outcome {
        match *error {
            ForwardError::Client(ClientFault::Disconnected | ClientFault::Truncated) => {
                return Outcome::Aborted;
            }
            ForwardError::Client(ClientFault::Refused(refusal)) => {
                refuse(client, self.route, self.context, refusal);
            }
            ForwardError::Server(reason, server) => {
                let page = Page::from(reason);
                self.record_failure(reason, server, page.status);
                self.record_response(page.status);
                client.send_page(&page, self.route.hsts());
            }
        }
        Outcome::Completed
    }

    fn record_response(&self, status: u16) {
        let observer = &self.context.worker.observer;
        observer.request_answered(&self.route.site.slot, status);
    }

    fn record_failure(&self, reason: UpstreamFailure, server: Option<usize>, status: u16) {
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

/// Whether to send a request again: a server may close an idle connection just as it is used (RFC 9112
/// §9.3.1).
fn may_repeat(exchange: &Exchange<'_>, is_repeatable: bool) -> bool {
    let got_lost = exchange.connection.is_reused && !exchange.has_response_begun();
    exchange.is_unsent() || is_repeatable && got_lost
}

/// The error for a timeout before the response: that of the side which was waited for.
fn timeout_before_response(client: &impl Client, exchange: &Exchange<'_>) -> ExchangeError {
    if is_waiting_for_client(client, exchange) {
        ExchangeError::Client(ClientFault::Refused(RequestRefusal::BodyTimeout))
    } else {
        ExchangeError::of_server(UpstreamFailure::ResponseTimeout, exchange)
    }
}

/// Whether everything that was received of the request was sent, and the request is incomplete.
fn is_waiting_for_client(client: &impl Client, exchange: &Exchange<'_>) -> bool {
    exchange.is_sending_request()
        && !client.request_has_ended()
        && client.request_parts().iter().all(|part| part.is_empty())
}
