//! Messages as sections of field lines, pseudo-fields first: what HTTP/2 (RFC 9113 §8) and HTTP/3
//! (RFC 9114 §4) share.
//!
//! A version's decoder classes each line by [`line::FieldLine`] and adds it to a [`Request`], which
//! becomes the text of an HTTP/1.1 head as it goes, so that nothing that exceeds the limits is ever
//! stored; a response is written line by line to the version's encoder, a [`ResponseEncoder`].
//! Nothing here knows frames, streams or tables.

pub(crate) mod line;
mod request;
mod response;

pub use request::Request;
pub use response::{ResponseEncoder, write_interim, write_page, write_response};
