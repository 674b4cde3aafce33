//! Messages as sections of field lines, pseudo-fields first: common to HTTP/2 (RFC 9113 §8) and HTTP/3
//! (RFC 9114 §4).
//!
//! A version's decoder adds each line as a `FieldLine` to a [`Request`], which encodes it as
//! HTTP/1.1 immediately, so that nothing beyond the limits is stored. A response is written line by line
//! to the version's [`ResponseEncoder`]. This module must not know frames, streams or compression tables.

pub(crate) mod line;
mod request;
mod response;

pub use request::Request;
pub use response::{ResponseEncoder, write_interim, write_page, write_response};
