//! The contract with the control plane: documents, their checks, their one form, and frames; what
//! the edge answers, counts and tells, with the closed sets of reasons.
//!
//! Pure: bytes in, values out. What leaves this crate has passed every check that one document
//! can be given on its own; the crates above parse nothing again.
#![forbid(unsafe_code)]

mod closed_set;
mod error;
mod event;
mod frame;
#[rustfmt::skip]
mod generated;
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
pub use generated::*;
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
