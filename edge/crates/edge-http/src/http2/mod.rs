//! The server's side of HTTP/2 (RFC 9113), without I/O.
//!
//! [`Connection::receive`] processes one frame at a time and returns its [`Event`]; frames to send are
//! appended to [`Connection::output`]. The caller reads, stores bodies and writes. Requests and
//! responses are those of [`crate::field_section`].
//!
//! A connection that violates the protocol or exceeds a limit ends with a [`Cutoff`].

mod budget;
mod connection;
mod cutoff;
mod event;
mod flow;
mod frame;
mod frame_reader;
mod frame_writer;
mod header_decoder;
mod hpack;
mod settings;
mod shutdown;
mod streams;

pub use connection::{Config, Connection};
pub use cutoff::Cutoff;
pub use event::Event;
pub use frame::{ErrorCode, FRAME_HEADER_BYTES, MAX_FRAME_BYTES, PREFACE};
pub use frame_writer::ResponseFields;
