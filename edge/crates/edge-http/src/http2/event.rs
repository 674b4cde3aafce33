//! What frames mean to whoever drives a connection.

use std::ops::Range;

/// What a frame means to whoever drives the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A request begins: it is [`super::Connection::request`] until the next one.
    Request {
        /// Its stream.
        stream: u32,
        /// Whether there is no body.
        has_ended: bool,
    },
    /// A piece of a request's body; it has to be released some time.
    Data {
        /// The stream.
        stream: u32,
        /// Where in the input it lies.
        payload: Range<usize>,
        /// Whether the body ends with it.
        has_ended: bool,
    },
    /// The request ended with trailers, which are dropped.
    Ended {
        /// The stream.
        stream: u32,
    },
    /// The request's body does not keep to its header; no more of it follows.
    Malformed {
        /// The stream.
        stream: u32,
    },
    /// The stream was reset, by the client or because of what it did there.
    Reset {
        /// The stream.
        stream: u32,
    },
    /// A stream may send more than before.
    WindowGrown {
        /// The stream.
        stream: u32,
    },
    /// Any stream may send more than before.
    WindowsGrown,
    /// The client will open no more streams (GOAWAY).
    GoAway,
}
