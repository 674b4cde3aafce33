//! The contract with the control plane: documents, their checks, their one form, and frames; what
//! the edge answers, counts and tells, with the closed sets of reasons.
//!
//! Pure: bytes in, values out. What leaves this crate has passed every check that one document
//! can be given on its own; the crates above parse nothing again.
#![forbid(unsafe_code)]

mod closed_set;
mod documents;
mod error;
mod event;
mod frame;
mod hash;
mod json;
mod names;
mod parts;
mod read;
mod reasons;
mod receipt;
mod refusal;
mod reply;
mod request;
mod stats;
mod tls_names;

pub use documents::{
    CONTRACT, Certificate, Hsts, Limits, Listener, Part, Pool, PrivateKey, Role, Root, Server,
    Site, TicketKey, Timeouts, TlsPolicy,
};
pub use error::{ErrorCode, Fault};
pub use event::{Event, EventKind, bounded};
pub use frame::{FrameReader, MAX_FRAME, encode_frame};
pub use hash::{Hash, HashInvalid};
pub use json::{Json, canonical};
pub use parts::{PartMissing, Parts};
pub use reasons::{
    HandshakeFailure, Http2Cutoff, ListenerState, QuarantineCode, RequestRefusal, TlsFailure,
    UpstreamFailure,
};
pub use receipt::{Receipt, SiteVerdict};
pub use reply::{Identity, ListenerWorkers, Reply};
pub use request::{Apply, ErrorReply, Request, SocketName};
pub use stats::{
    ByteCount, Connections, EventCounts, HandshakeCount, Histogram, Memory, RequestCount, Stats,
    UpstreamCounts,
};
pub use tls_names::{Alpn, CipherSuite, Group, TlsVersion};
