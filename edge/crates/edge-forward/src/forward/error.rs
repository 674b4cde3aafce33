//! Why a request has no answer, and what its client is told.

use edge_contract::{RequestRefusal, UpstreamFailure};
use edge_http::page::Page;

use crate::client::ClientFault;
use crate::exchange::Exchange;

/// Why there is no answer.
pub(super) enum ForwardError {
    Client(ClientFault),
    Server(UpstreamFailure, Option<usize>),
}

/// Why asking ended without an answer, or an answer without its end.
pub(super) enum ExchangeError {
    Client(ClientFault),
    Server(UpstreamFailure),
}

impl ExchangeError {
    /// The time for the whole request is over, whoever is to blame.
    pub(super) const REQUEST_TIMEOUT: Self =
        Self::Client(ClientFault::Refused(RequestRefusal::RequestTimeout));

    /// A server's failure; where the request had no end, that is the client's.
    pub(super) fn of_server(reason: UpstreamFailure, exchange: &Exchange<'_>) -> Self {
        if exchange.is_cut() {
            Self::Client(ClientFault::Refused(RequestRefusal::BodyMalformed))
        } else {
            Self::Server(reason)
        }
    }

    /// What there is to tell a client that is there to be told.
    pub(super) fn forward_error(&self, server: usize) -> Option<ForwardError> {
        match *self {
            Self::Client(ClientFault::Gone | ClientFault::Cut) => None,
            Self::Client(fault) => Some(ForwardError::Client(fault)),
            Self::Server(reason) => Some(ForwardError::Server(reason, Some(server))),
        }
    }
}

/// The page for a failure of the server's.
pub(super) fn failure_page(reason: UpstreamFailure) -> Page {
    let (status, sentence) = match reason {
        UpstreamFailure::ConnectRefused | UpstreamFailure::ConnectFailed => {
            (502, "The server behind this site cannot be reached.")
        }
        UpstreamFailure::NoAddress => (
            502,
            "The name of the server behind this site leads to no address.",
        ),
        UpstreamFailure::ClosedEarly => (
            502,
            "The server behind this site closed the connection before it answered.",
        ),
        UpstreamFailure::ResponseMalformed => (
            502,
            "The server behind this site gave an answer that is no valid HTTP.",
        ),
        UpstreamFailure::ResponseTooLarge => (
            502,
            "The server behind this site gave an answer whose header is larger than the limits for headers.",
        ),
        UpstreamFailure::NoServer => (503, "No server behind this site is available."),
        UpstreamFailure::PoolFull => (503, "The pool's connection limit is reached."),
        UpstreamFailure::ConnectTimeout
        | UpstreamFailure::ResponseTimeout
        | UpstreamFailure::BodyTimeout => {
            (504, "The server behind this site did not answer in time.")
        }
    };
    Page { status, sentence }
}
