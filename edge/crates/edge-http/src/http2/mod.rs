//! The server's side of HTTP/2 (RFC 9113): bytes in, values out; no socket, no clock, no runtime.
//!
//! [`Connection::receive`] takes one frame at a time off the input and says what it means; what is
//! to be sent is appended to [`Connection::output`]. Whoever drives it reads, keeps the bodies and
//! writes. What header blocks mean is [`crate::field_section`]'s.
//!
//! A connection that breaks the protocol, or makes us work for nothing, ends with a [`Cutoff`].

mod budget;
mod closed_streams;
mod connection;
mod cutoff;
mod event;
mod flow;
mod frame;
mod frame_reader;
mod frame_writer;
mod header_decoder;
mod hpack;
mod response;
mod settings;
mod shutdown;
mod streams;

pub use connection::{Config, Connection};
pub use cutoff::Cutoff;
pub use event::Event;
pub use frame::{ErrorCode, FRAME_HEADER_BYTES, MOST_FRAME_BYTES, PREFACE};
pub use response::ResponseFields;
