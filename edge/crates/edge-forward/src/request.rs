//! A request to forward.

use edge_http::{BodyKind, Method};

/// A request in the form in which it is sent to the server.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The head, encoded as HTTP/1.1.
    pub head: &'a [u8],
    /// The method.
    pub method: Method,
    /// Whether a body follows.
    pub has_body: bool,
    /// The framing of the body.
    pub body: BodyKind,
    /// Whether the client asks for an upgrade.
    pub asks_upgrade: bool,
}
