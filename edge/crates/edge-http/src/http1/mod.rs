//! HTTP/1 (RFC 9112): strict parsers of heads and bodies, and writers.
//!
//! Requests to servers are always HTTP/1.1, so [`mod@write`] is also used for clients of other versions.

pub(crate) mod body;
pub(crate) mod chunked;
pub(crate) mod head;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod target;
pub mod write;
