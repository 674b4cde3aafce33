//! The documents that cross between the control plane and the edge: decoded, checked, and written in
//! one canonical form.
//!
//! Pure: bytes in, values out. A value of this crate has passed every check that one document can be
//! given on its own, so the crates above parse nothing again.
//!
//! | what crosses | types |
//! |---|---|
//! | a snapshot | [`Root`], which names its parts by [`Hash`]; each [`Part`] is a [`Site`], a [`TlsPolicy`], a [`Pool`], a [`Certificate`], or a secret ([`PrivateKey`], [`TicketKey`]) |
//! | requests, and how each is answered | [`Request`] and [`Reply`], or an [`ErrorReply`] with an [`ErrorCode`]; an [`Apply`] is answered with a [`Receipt`] |
//! | events and counters | [`Event`] with closed sets of reasons such as [`HandshakeFailure`]; [`Stats`] |
//!
//! [`FrameReader`] and [`encode_frame`] cut the byte stream of the control socket into frames. [`Json`]
//! is the subset of JSON that the contract allows, [`canonical`] its one form; the [`Hash`] of a document
//! is the SHA-256 of that form. What is wrong with a document is a [`Fault`] with its place inside it.
//!
//! The modules `generated_values` (bounds, closed sets, error codes) and `generated_documents` are written
//! by `make contract` from the control plane's dataclasses; what they hold is changed there and not here.
//!
//! This crate must not know sockets, clocks, tokio, rustls, or what running a snapshot means; a check
//! that needs two documents belongs to the crate that combines them.
//!
//! Start at [`Request::decode`], then read `root.rs` and `part.rs`.
#![forbid(unsafe_code)]

mod closed_set;
mod error;
mod event;
mod frame;
#[rustfmt::skip]
mod generated_documents;
#[rustfmt::skip]
mod generated_values;
mod hash;
mod json;
mod names;
mod part;
mod parts;
mod read;
mod receipt;
mod refusal;
mod reply;
mod request;
mod root;
mod stats;
mod timeouts;

pub use error::Fault;
pub use event::{Event, EventKind, bounded};
pub use frame::{FrameReader, encode_frame};
pub use generated_documents::*;
pub use generated_values::*;
pub use hash::{Hash, HashInvalid};
pub use json::{Json, canonical};
pub use part::Part;
pub use parts::{PartMissing, Parts};
pub use receipt::{Receipt, SiteVerdict};
pub use reply::{Identity, ListenerWorkers, Reply};
pub use request::{Apply, ErrorReply, Request, SocketName};
pub use stats::{
    ByteCount, Connections, EventCounts, HandshakeCount, Histogram, Memory, RequestCount, Stats,
    UpstreamCounts,
};
