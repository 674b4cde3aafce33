//! The contract between the control plane and the edge: documents, requests, replies and events, decoded,
//! checked, and written in canonical form.
//!
//! Pure: bytes in, values out. A decoded value has passed every check that needs no other document,
//! so the crates above do not check it again.
//!
//! | content | types |
//! |---|---|
//! | a snapshot | [`Root`], which names its parts by [`struct@Hash`]; each [`Part`] is a [`Site`], a [`TlsPolicy`], a [`Pool`], a [`Certificate`], or a secret ([`PrivateKey`], [`TicketKey`]) |
//! | requests and replies | [`Request`] and [`Reply`], or an [`ErrorReply`] with an [`ErrorCode`]; the reply to [`Apply`] is a [`Receipt`] |
//! | events and counters | [`Event`] with closed sets of reasons such as [`HandshakeFailure`]; [`EdgeStats`] |
//!
//! [`FrameReader`] and [`encode_frame`] split the byte stream of the control socket into frames. [`Json`]
//! is the subset of JSON that the contract allows, and [`canonical`] writes its canonical form; the
//! [`struct@Hash`] of a document is the SHA-256 of that form. An error in a document is a [`Fault`] with its path.
//!
//! The modules `generated_values` (bounds, closed sets, error codes), `generated_documents` and
//! `generated_messages` are written by `make contract` from the control plane's dataclasses; change them there.
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
mod generated_messages;
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

pub use error::Fault;
pub use event::{EventKind, bounded};
pub use frame::{FrameReader, encode_frame};
pub use generated_documents::*;
pub use generated_messages::*;
pub use generated_values::*;
pub use hash::{Hash, HashInvalid};
pub use json::{Json, canonical};
pub use part::Part;
pub use parts::{PartMissing, Parts};
pub use receipt::{ChallengeRefused, Receipt, SiteVerdict};
pub use reply::Reply;
pub use request::{Apply, ErrorReply, Request};
