//! HTTP/1 (RFC 9112): heads and bodies read in one strict form, and written anew.
//!
//! Servers are spoken to in it whatever the client speaks, so that heads of the other versions are
//! written by [`write`] as well.

pub(crate) mod body;
pub(crate) mod chunked;
pub(crate) mod head;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod target;
pub mod write;
