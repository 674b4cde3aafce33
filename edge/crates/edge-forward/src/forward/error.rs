//! Errors of forwarder, and their error pages.

use edge_contract::{RequestRefusal, UpstreamFailure};

use crate::client::ClientFault;
use crate::exchange::Exchange;

/// Why there is no response to forward.
pub(super) enum ForwardError {
    Client(ClientFault),
    Server(UpstreamFailure, Option<usize>),
}

/// Why an exchange ended before its response, or in the middle of it.
pub(super) enum ExchangeError {
    Client(ClientFault),
    Server(UpstreamFailure),
}

impl ExchangeError {
    /// The request timeout, whichever side was waited for.
    pub(super) const REQUEST_TIMEOUT: Self =
        Self::Client(ClientFault::Refused(RequestRefusal::RequestTimeout));

    /// A failure of the server, or of the client if its request is truncated.
    pub(super) fn of_server(reason: UpstreamFailure, exchange: &Exchange<'_>) -> Self {
        if exchange.is_truncated() {
            Self::Client(ClientFault::Refused(RequestRefusal::BodyMalformed))
        } else {
            Self::Server(reason)
        }
    }

    /// The error to send the client, if it can still read one.
    pub(super) fn forward_error(&self, server: usize) -> Option<ForwardError> {
        match *self {
            Self::Client(ClientFault::Disconnected | ClientFault::Truncated) => None,
            Self::Client(fault) => Some(ForwardError::Client(fault)),
            Self::Server(reason) => Some(ForwardError::Server(reason, Some(server))),
        }
    }
}
