//! The contract with the control plane: documents, their checks, their one form, and frames.
//!
//! Pure: bytes in, values out. What leaves this crate has passed every check that one document
//! can be given on its own; the crates above parse nothing again.
#![forbid(unsafe_code)]

mod documents;
mod error;
mod frame;
mod hash;
mod json;
mod names;
mod parts;
mod read;
mod receipt;
mod request;
mod tls_names;

pub use documents::{
    CONTRACT, Certificate, Hsts, Limits, Listener, Part, Pool, PrivateKey, Role, Root, Server,
    Site, TicketKey, Timeouts, TlsPolicy,
};
pub use error::{ErrorCode, Fault};
pub use frame::{FrameReader, MAX_FRAME, encode_frame};
pub use hash::{Hash, HashInvalid};
pub use json::{Json, canonical};
pub use parts::{PartMissing, Parts};
pub use receipt::{ListenerState, QuarantineCode, Receipt, SiteVerdict};
pub use request::{Apply, ErrorReply, Request, SocketName};
pub use tls_names::{Alpn, CipherSuite, Group, TlsVersion};
