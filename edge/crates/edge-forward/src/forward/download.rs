//! The way of a response's body from a server to a client.

use std::task::{Context, Poll, ready};

use super::error::ExchangeError;
use crate::client::{Client, Piece};
use crate::exchange::Exchange;

/// How far a response's body has come.
pub(super) enum Download {
    Reading,
    Sending(Piece),
    /// All that was read is with the client's connection: nothing more is read before it is sent,
    /// so that a slow reader holds one piece and not two.
    Draining,
    Flushing,
}

impl Download {
    /// Move the body on as far as it goes; ready when the client has all of it.
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
                        // What was taken before shall not wait for what comes next.
                        ready!(client.poll_flush(context)).map_err(ExchangeError::Client)?;
                        return Poll::Pending;
                    }
                },
                Self::Sending(piece) => {
                    let left = piece.position.len();
                    let sent = client.poll_send(context, &mut exchange.inbox, piece);
                    if piece.position.len() < left {
                        // A slow reader is no silent one.
                        exchange.note_moved();
                    }
                    ready!(sent).map_err(ExchangeError::Client)?;
                    exchange.inbox.consume(piece.used);
                    *self = if piece.is_last {
                        Self::Flushing
                    } else if exchange.inbox.is_empty() {
                        Self::Draining
                    } else {
                        Self::Reading
                    };
                }
                Self::Draining => match client.poll_flush(context) {
                    Poll::Ready(flushed) => {
                        flushed.map_err(ExchangeError::Client)?;
                        exchange.note_moved();
                        *self = Self::Reading;
                    }
                    Poll::Pending => {
                        exchange.inbox.settle();
                        return Poll::Pending;
                    }
                },
                Self::Flushing => return client.poll_flush(context).map_err(ExchangeError::Client),
            }
        }
    }

    /// Whether the client has to take something before anything more is read for it.
    pub(super) fn waits_for_reader(&self) -> bool {
        match self {
            Self::Reading => false,
            Self::Sending(_) | Self::Draining | Self::Flushing => true,
        }
    }
}
