//! Errors of forwarder, and their error pages.

use edge_contract::{RequestRefusal, UpstreamFailure};
use edge_http::page::Page;

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

/// The error page for a failure of the server.
pub(super) fn failure_page(reason: UpstreamFailure) -> Page {
    let (status, sentence) = match reason {
        UpstreamFailure::ConnectRefused | UpstreamFailure::ConnectFailed => {
            (502, "The server behind this site cannot be reached.")
        }
        UpstreamFailure::NoAddress => (
            502,
            "The name of the server behind this site has no address.",
        ),
        UpstreamFailure::ClosedEarly => (
            502,
            "The server behind this site closed the connection before it sent a response.",
        ),
        UpstreamFailure::ResponseMalformed => (
            502,
            "The server behind this site sent a response that is not valid HTTP.",
        ),
        UpstreamFailure::ResponseTooLarge => (
            502,
            "The server behind this site sent a response whose header is too large.",
        ),
        UpstreamFailure::NoServer => (503, "No server behind this site is available."),
        UpstreamFailure::PoolFull => (503, "The pool's connection limit is reached."),
        UpstreamFailure::ConnectTimeout
        | UpstreamFailure::ResponseTimeout
        | UpstreamFailure::BodyTimeout => {
            (504, "The server behind this site did not respond in time.")
        }
    };
    Page { status, sentence }
}
