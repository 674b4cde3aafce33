//! Passing an answer on, and what comes of the connection that it came on.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use edge_contract::{RequestRefusal, UpstreamFailure};

use super::download::Download;
use super::error::ExchangeError;
use super::{Answered, Forwarding, Outcome, waits_for_client};
use crate::client::{Client, ClientFault};
use crate::deadline::Deadline;
use crate::exchange::Exchange;

impl Forwarding<'_> {
    /// Pass a final response on.
    pub(super) async fn pass_on(
        &self,
        client: &mut impl Client,
        (exchange, head): &mut Answered<'_>,
        deadline: &mut Deadline,
    ) -> Result<(), ExchangeError> {
        client
            .start_response(exchange.message(head), self.route.hsts())
            .map_err(ExchangeError::Client)?;
        exchange.begin_body(head);
        deadline.set(self.admission.body_timeout);
        let mut download = Download::Reading;
        poll_fn(|it| self.poll_body(it, (&mut *client, &mut *exchange), &mut download, deadline))
            .await
    }

    /// Keep what can be used again, and tell of what went wrong.
    pub(super) fn conclude(
        &self,
        client: &mut impl Client,
        (exchange, head): Answered<'_>,
        passed: Result<(), ExchangeError>,
    ) -> Outcome {
        let server = exchange.connection.server_index();
        if let Err(error) = &passed
            && let Some(error) = error.forward_error(server)
            && client.take_back()
        {
            return self.send_error(client, &error);
        }
        self.note_answered(head.status);
        match passed {
            Ok(()) if head.status == 101 => Outcome::Upgraded(exchange.connection, exchange.inbox),
            Ok(()) => {
                if head.persists && exchange.is_clean() {
                    exchange.connection.keep();
                }
                Outcome::Answered
            }
            Err(error) => {
                match error {
                    ExchangeError::Server(reason) => self.note_failure(reason, Some(server), 0),
                    ExchangeError::Client(ClientFault::Refused(refusal)) => {
                        self.note_broken_off(refusal);
                    }
                    ExchangeError::Client(ClientFault::Gone | ClientFault::Cut) => {}
                }
                client.break_off();
                Outcome::BrokenOff
            }
        }
    }

    fn poll_body(
        &self,
        context: &mut Context<'_>,
        (client, exchange): (&mut impl Client, &mut Exchange<'_>),
        download: &mut Download,
        deadline: &mut Deadline,
    ) -> Poll<Result<(), ExchangeError>> {
        exchange
            .poll_upload(context, client)
            .map_err(ExchangeError::Client)?;
        if let Poll::Ready(outcome) = download.poll(context, client, exchange) {
            return Poll::Ready(outcome);
        }
        if client.poll_gone(context).is_ready() {
            return Poll::Ready(Err(ExchangeError::Client(ClientFault::Gone)));
        }
        if exchange.take_moved() {
            deadline.set(self.admission.body_timeout);
        }
        ready!(deadline.poll_due(context));
        Poll::Ready(Err(if deadline.is_at_end() {
            ExchangeError::REQUEST_TIMEOUT
        } else {
            timeout_in_body(client, exchange, download)
        }))
    }

    /// Tell of a refusal that comes after the answer has begun, and so has no status.
    fn note_broken_off(&self, refusal: RequestRefusal) {
        let (observer, site) = (&self.context.worker.observer, &self.route.site.id);
        observer.request_refused(site, self.context.peer, refusal, 0);
    }
}

/// In its middle, the same: a server may go on only when it has got more of the request.
fn timeout_in_body(
    client: &impl Client,
    exchange: &Exchange<'_>,
    download: &Download,
) -> ExchangeError {
    if download.waits_for_reader() {
        ExchangeError::Client(ClientFault::Gone)
    } else if waits_for_client(client, exchange) {
        ExchangeError::Client(ClientFault::Refused(RequestRefusal::BodyTimeout))
    } else {
        ExchangeError::of_server(UpstreamFailure::BodyTimeout, exchange)
    }
}
