//! Forwarding the body of a response from a server to a client.

use std::task::{Context, Poll, ready};

use super::error::ExchangeError;
use crate::client::{Client, Piece};
use crate::exchange::Exchange;

/// The state of the transfer.
pub(super) enum Download {
    Reading,
    Sending(Piece),
    /// Everything that was read is buffered for the client. Nothing more is read before that is
    /// written, so that a slow reader causes one buffered piece and not two.
    Draining,
    Flushing,
}

impl Download {
    /// Transfer as much as possible; ready once all of the body was written to the client.
    pub(super) fn poll(
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
    pub(super) fn is_waiting_for_client(&self) -> bool {
        match self {
            Self::Reading => false,
            Self::Sending(_) | Self::Draining | Self::Flushing => true,
        }
    }
}
