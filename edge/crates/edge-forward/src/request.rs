//! A request on its way to a server.

use edge_http::{BodyKind, Method};

/// A request as its server will see it.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The whole head.
    pub head: &'a [u8],
    /// The method.
    pub method: Method,
    /// Whether a body follows.
    pub has_body: bool,
    /// How its end is known.
    pub body: BodyKind,
    /// Whether the connection may be upgraded.
    pub asks_upgrade: bool,
}
