//! HTTP codecs and header rules: bytes in, values out; no socket, no clock, no runtime.
//!
//! `fields` holds the rules that every version shares, `http1` the text of HTTP/1, [`field_section`]
//! what HTTP/2 and HTTP/3 share, and [`http2`] its frames. Each knows those before it alone.
//!
//! Heads are read by [`parse_request`] and [`parse_response`] in one strict form (RFC 9112 with
//! every leniency declined) and come back as ranges of the caller's buffer, with the fields in a
//! list that the caller owns and lends. Bodies go through [`BodyReader`], which finds the payload
//! inside the caller's buffer without a second one. What leaves is written anew by [`write`]:
//! nothing that a stranger sent is copied through as framing.
//!
//! Trailers of chunked messages are read and checked, and then dropped: RFC 9110 §6.5.1 lets an
//! intermediary do so, and a field that arrives after the decision it should have changed is of
//! more use to an attacker than to a server.
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
