//! Rules for fields that hold in every version of HTTP (RFC 9110): what a proxy does with each, how
//! Host, Content-Length and Expect are read, and what servers are told about the client.
//!
//! Nothing here knows how a version frames or compresses its fields.

pub(crate) mod authority;
pub(crate) mod content_length;
pub(crate) mod expect;
pub(crate) mod forwarded;
pub(crate) mod hsts;
pub(crate) mod kind;
pub(crate) mod limits;
pub(crate) mod line;
