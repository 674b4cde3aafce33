//! The events of a connection.

use std::ops::Range;

/// An event that a frame causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request begins, which is [`super::Connection::request`] until the next one.
    Request {
        /// Its stream.
        stream: u32,
        /// Whether there is no body.
        has_ended: bool,
    },
    /// A piece of a request's body, to be released with [`super::Connection::release`] once it is consumed.
    Data {
        /// The stream.
        stream: u32,
        /// The range in the input.
        payload: Range<usize>,
        /// Whether the body ends with it.
        has_ended: bool,
    },
    /// The request ended with trailers, which are dropped.
    Ended {
        /// The stream.
        stream: u32,
    },
    /// The request's body is malformed; no more of it follows.
    Malformed {
        /// The stream.
        stream: u32,
    },
    /// The stream was reset by the client, or because of an error of the client.
    Reset {
        /// The stream.
        stream: u32,
    },
    /// The send window of a stream was increased.
    StreamWindowOpened {
        /// The stream.
        stream: u32,
    },
    /// The send window of the connection, or of all streams, was increased.
    WindowsOpened,
    /// The client sent a GOAWAY.
    GoAway,
}
