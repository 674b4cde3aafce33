//! TLS for the edge: read the hello, decide, shake hands, encrypt.
//!
//! The `ClientHello` is read by our own parser first, so that a refusal carries its true reason
//! and the connection's site is known before rustls sees a byte. Nothing else names rustls.
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
