//! HTTP/1.1 codec and header rules: bytes in, values out; no socket, no clock, no runtime.
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

mod authority;
mod body;
mod bytes;
mod chunked;
mod date;
mod field;
mod forwarded;
mod head;
mod hsts;
pub mod http2;
mod method;
pub mod page;
mod request;
mod response;
mod status;
mod target;
pub mod write;

pub use authority::{Authority, AuthorityHost};
pub use body::{BodyFault, BodyKind, BodyReader, Taken};
pub use bytes::decimal;
pub use chunked::{ChunkFault, ChunkReader, ChunkStep};
pub use date::{DATE_BYTES, http_date};
pub use field::{
    Field, FieldKind, Span, connection_names, field_kind, is_field_name, is_field_value,
};
pub use forwarded::{Forwarded, Peer};
pub use head::{HeadLimits, Version, head_may_be_complete};
pub use hsts::{HstsPolicy, hsts_covers};
pub use method::Method;
pub use request::{MOST_EMPTY_LINES, RequestHead, parse_request};
pub use response::{ResponseFault, ResponseHead, parse_response};
pub use status::reason_phrase;
pub use target::{Target, check_path};
