//! TLS for the edge: read the `ClientHello`, decide, shake hands, encrypt.
//!
//! The `ClientHello` is read by a parser of our own, so that the connection's site and the true reason of
//! a refusal are known before rustls sees a byte. This is the only crate that names rustls; the others
//! get finished values from it.
//!
//! The types in the order in which a connection meets them:
//!
//! 1. [`ReceivedHello`] reads the first bytes, bounded in size, into a [`ClientHello`]; the parser
//!    itself is the pure module [`hello`].
//! 2. [`SiteTls`] is a site's finished configuration, made once at apply from a [`SiteSource`] (policy,
//!    certificates, ticket keys); what cannot be made is a [`SiteFault`].
//! 3. [`SiteTls::choose`] picks version, group and certificate for a hello and returns a [`Choice`], or
//!    the [`Refusal`] with its reason and [`Alert`].
//! 4. [`TlsStream::accept`] performs the handshake and returns the open stream with its
//!    [`HandshakeFacts`].
//! 5. [`TlsStream`] is read and written like any other stream. A TLS fault after the handshake is left
//!    in its [`FaultSlot`] as a [`StreamFault`].
//!
//! Inside, `engine` drives rustls without a socket, `records` checks each record before rustls sees it,
//! and `protection` learns from the record protection what rustls does not report.
//!
//! This crate must not know HTTP, pools, snapshots as a whole, or how events are counted: callers report
//! what it returns.
//!
//! Start at [`TlsStream::accept`] in `handshake.rs`, then [`SiteTls::choose`] in `choice.rs`.
#![forbid(unsafe_code)]

mod alert;
mod buffer;
mod certificates;
mod choice;
mod client_auth;
mod engine;
mod fault;
mod handshake;
pub mod hello;
mod iana;
mod key_schedule;
mod lingering_close;
mod protection;
mod reader;
mod received_hello;
mod records;
mod refusal;
mod site;
mod site_fault;
mod stream;
mod ticket;
mod x509;

pub use alert::{Alert, Violation, alert_record};
pub use certificates::{CertificateNames, CertificateSource};
pub use choice::Choice;
pub use fault::StreamFault;
pub use handshake::HandshakeFacts;
pub use hello::ClientHello;
pub use lingering_close::lingering_close;
pub use received_hello::{HelloReadError, ReceivedHello};
pub use refusal::Refusal;
pub use site::{SiteSource, SiteTls};
pub use site_fault::SiteFault;
pub use stream::{FaultSlot, TlsStream};
