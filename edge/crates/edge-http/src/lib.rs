//! HTTP codecs and header rules: bytes in, values out; no socket, no clock, no runtime.
//!
//! | module | holds |
//! |---|---|
//! | `fields` | the rules that every version shares: Host, Content-Length, Expect, Forwarded, HSTS, and what a proxy does with each field |
//! | `http1` | the text of HTTP/1: [`parse_request`], [`parse_response`], [`BodyReader`], [`write`] |
//! | [`field_section`] | messages as field lines, which HTTP/2 and HTTP/3 share |
//! | [`http2`] | the frames, streams and flow control of HTTP/2, in [`http2::Connection`] |
//! | [`page`] | responses of our own |
//!
//! Each module knows only those above it in this table; [`page`] stands beside them.
//!
//! Heads are read in one strict form (RFC 9112 with every leniency declined). [`RequestHead`] and
//! [`ResponseHead`] hold ranges of the caller's buffer; the fields go to a list that the caller owns.
//! [`BodyReader`] finds the payload inside the caller's buffer without a second one. Every outgoing head
//! is written anew by [`write`]: nothing that a client sent is copied through as framing.
//!
//! Trailers of chunked messages are read and checked, and then dropped: RFC 9110 §6.5.1 lets an
//! intermediary do so, and a field that arrives after the decision it should have changed is of more use
//! to an attacker than to a server.
//!
//! This crate must not know sites, servers, time-outs or TLS. Limits and the date are passed in.
//!
//! Start at [`parse_request`] for HTTP/1 and at [`http2::Connection::receive`] for HTTP/2.
#![forbid(unsafe_code)]

mod bytes;
mod date;
pub mod field_section;
mod fields;
mod http1;
pub mod http2;
mod method;
pub mod page;
mod status;

pub use bytes::decimal;
pub use date::{DATE_BYTES, http_date};
pub use fields::authority::{Authority, AuthorityHost};
pub use fields::forwarded::{Forwarded, Peer};
pub use fields::hsts::{HstsPolicy, hsts_covers};
pub use fields::kind::{
    Field, FieldKind, Span, connection_names, field_kind, is_field_name, is_field_value,
};
pub use fields::limits::HeadLimits;
pub use http1::body::{BodyFault, BodyKind, BodyReader, Taken};
pub use http1::chunked::{ChunkFault, ChunkReader, ChunkStep};
pub use http1::head::{Version, head_may_be_complete};
pub use http1::request::{MOST_EMPTY_LINES, RequestHead, parse_request};
pub use http1::response::{ResponseFault, ResponseHead, parse_response};
pub use http1::target::Target;
pub use http1::write;
pub use method::Method;
pub use status::reason_phrase;
