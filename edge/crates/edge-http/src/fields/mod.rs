//! Rules for fields in every version of HTTP (RFC 9110): classification, parsing of Host,
//! Content-Length and Expect, and fields about the client.
//!
//! This module must not know how a version frames or compresses its fields.

pub(crate) mod authority;
pub(crate) mod content_length;
pub(crate) mod expect;
pub(crate) mod forwarded;
pub(crate) mod hsts;
pub(crate) mod kind;
pub(crate) mod limits;
pub(crate) mod line;
