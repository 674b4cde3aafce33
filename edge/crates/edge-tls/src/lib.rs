//! TLS for the edge: parse the `ClientHello`, choose the parameters, perform the handshake, encrypt.
//!
//! The `ClientHello` is parsed by this crate first, so that the site and the exact reason of a refusal are
//! known before rustls sees it. This is the only crate that depends on rustls; none of its types is public
//! here.
//!
//! The types, in the order in which a connection uses them:
//!
//! 1. [`ReceivedHello`] reads the first bytes, bounded in size, into a [`ClientHello`]; the parser
//!    itself is the pure module [`hello`].
//! 2. [`SiteTls`] is a site's TLS configuration, built when a snapshot is applied from a [`SiteSource`]
//!    (policy, certificates, ticket keys); the error is a [`SiteFault`].
//! 3. [`SiteTls::choose`] chooses version, group and certificate for a hello and returns a [`Choice`], or
//!    a [`Refusal`] with its reason and [`Alert`]. [`ChallengeTls`] does the same for a tls-alpn-01 challenge.
//! 4. [`TlsStream::accept`] performs the handshake and returns the open stream with its
//!    [`HandshakeFacts`].
//! 5. [`TlsStream`] is read and written like any other stream. A TLS fault after the handshake is stored
//!    in its [`FaultSlot`] as a [`StreamFault`].
//!
//! Inside, `engine` drives rustls without a socket, `records` checks each record before rustls sees it,
//! and `protection` instruments the record protection of rustls, to report what rustls does not.
//!
//! This crate must not know HTTP, pools, snapshots as a whole, or how events are recorded: callers record
//! what it returns.
//!
//! Start at [`TlsStream::accept`] in `handshake.rs`, then [`SiteTls::choose`] in `choice.rs`.
#![forbid(unsafe_code)]

mod alert;
mod buffer;
mod certificates;
mod challenge;
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
pub use challenge::ChallengeTls;
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
