//! Forwarding a response, and what happens to its connection afterwards.

use std::future::poll_fn;
use std::task::{Context, Poll, ready};

use edge_contract::{RequestRefusal, UpstreamFailure};

use super::error::ExchangeError;
use super::{FinalResponse, Forwarder, Outcome, is_waiting_for_client};
use crate::client::{Client, ClientFault, Piece};
use crate::deadline::Deadline;
use crate::exchange::Exchange;

impl Forwarder<'_> {
    /// Forward the final response.
    pub(super) async fn forward_response(
        &self,
        client: &mut impl Client,
        (exchange, head): &mut FinalResponse<'_>,
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

    /// Record the result, make the server's connection idle if it can be reused, and abort the
    /// client's response if it failed.
    pub(super) fn finish(
        &self,
        client: &mut impl Client,
        (exchange, head): FinalResponse<'_>,
        forwarded: Result<(), ExchangeError>,
    ) -> Outcome {
        let server = exchange.connection.server_index();
        if let Err(error) = &forwarded
            && let Some(error) = error.forward_error(server)
            && client.discard_unsent_response()
        {
            return self.send_error(client, &error);
        }
        self.record_response(head.status);
        match forwarded {
            Ok(()) if head.status == 101 => {
                Outcome::Upgraded(exchange.connection, exchange.received)
            }
            Ok(()) => {
                if head.persists && exchange.is_clean() {
                    exchange.connection.release();
                }
                Outcome::Completed
            }
            Err(error) => {
                match error {
                    ExchangeError::Server(reason) => self.record_failure(reason, Some(server), 0),
                    ExchangeError::Client(ClientFault::Refused(refusal)) => {
                        self.record_aborted(refusal);
                    }
                    ExchangeError::Client(ClientFault::Disconnected | ClientFault::Truncated) => {}
                }
                client.abort();
                Outcome::Aborted
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
        if client.poll_disconnected(context).is_ready() {
            return Poll::Ready(Err(ExchangeError::Client(ClientFault::Disconnected)));
        }
        if exchange.take_progress() {
            deadline.set(self.admission.body_timeout);
        }
        ready!(deadline.poll_due(context));
        Poll::Ready(Err(if deadline.is_total_due() {
            ExchangeError::REQUEST_TIMEOUT
        } else {
            timeout_in_body(client, exchange, download)
        }))
    }

    /// Record a refusal after the response has begun, which has status 0.
    fn record_aborted(&self, refusal: RequestRefusal) {
        let (observer, site) = (&self.context.worker.observer, &self.route.site.id);
        observer.request_refused(site, self.context.peer, refusal, 0);
    }
}

/// The state of a transfer of a body to the client.
enum Download {
    Reading,
    Sending(Piece),
    /// Everything that was read is buffered for the client. Nothing more is read before that is
    /// written, so that a slow reader causes one buffered piece and not two.
    Draining,
    Flushing,
}

impl Download {
    /// Transfer as much as possible; ready once all of the body was written to the client.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        client: &mut impl Client,
        exchange: &mut Exchange<'_>,
    ) -> Poll<Result<(), ExchangeError>> {
        loop {
            match self {
                Self::Reading => match exchange.poll_piece(context) {
                    Poll::Ready(Ok(piece)) => *self = Self::Sending(piece),
                    Poll::Ready(Err(reason)) => {
                        return Poll::Ready(Err(ExchangeError::of_server(reason, exchange)));
                    }
                    Poll::Pending => {
                        // Do not delay what is buffered until the next piece arrives.
                        ready!(client.poll_flush(context)).map_err(ExchangeError::Client)?;
                        return Poll::Pending;
                    }
                },
                Self::Sending(piece) => {
                    let left = piece.position.len();
                    let sent = client.poll_send(context, &mut exchange.received, piece);
                    if piece.position.len() < left {
                        // A slow reader makes progress too.
                        exchange.record_progress();
                    }
                    ready!(sent).map_err(ExchangeError::Client)?;
                    exchange.received.consume(piece.used);
                    *self = if piece.is_last {
                        Self::Flushing
                    } else if exchange.received.is_empty() {
                        Self::Draining
                    } else {
                        Self::Reading
                    };
                }
                Self::Draining => match client.poll_flush(context) {
                    Poll::Ready(flushed) => {
                        flushed.map_err(ExchangeError::Client)?;
                        exchange.record_progress();
                        *self = Self::Reading;
                    }
                    Poll::Pending => {
                        exchange.received.shrink();
                        return Poll::Pending;
                    }
                },
                Self::Flushing => return client.poll_flush(context).map_err(ExchangeError::Client),
            }
        }
    }

    /// Whether the transfer waits for the client to read.
    fn is_waiting_for_client(&self) -> bool {
        match self {
            Self::Reading => false,
            Self::Sending(_) | Self::Draining | Self::Flushing => true,
        }
    }
}

/// The error for a timeout in the response's body. A server may also wait for more of the request before
/// it continues.
fn timeout_in_body(
    client: &impl Client,
    exchange: &Exchange<'_>,
    download: &Download,
) -> ExchangeError {
    if download.is_waiting_for_client() {
        ExchangeError::Client(ClientFault::Disconnected)
    } else if is_waiting_for_client(client, exchange) {
        ExchangeError::Client(ClientFault::Refused(RequestRefusal::BodyTimeout))
    } else {
        ExchangeError::of_server(UpstreamFailure::BodyTimeout, exchange)
    }
}
