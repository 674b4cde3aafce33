//! TLS for the edge: read the hello, decide, shake hands, encrypt.
//!
//! The `ClientHello` is read by our own parser first, so that a refusal carries its true reason
//! and the connection's site is known before rustls sees a byte. Nothing else names rustls.
#![forbid(unsafe_code)]

mod alert;
mod buffer;
mod certificates;
mod choice;
mod clients;
mod engine;
mod farewell;
mod fault;
mod handshake;
pub mod hello;
mod iana;
mod key_schedule;
mod opening;
mod protection;
mod reader;
mod records;
mod refusal;
mod site;
mod stream;
mod ticket;
mod x509;

pub use alert::{Alert, Violation, alert_record};
pub use certificates::{CertificateNames, CertificateSource};
pub use choice::Choice;
pub use farewell::farewell;
pub use fault::StreamFault;
pub use handshake::HandshakeFacts;
pub use hello::ClientHello;
pub use opening::{Opening, OpeningError};
pub use refusal::Refusal;
pub use site::{SiteFault, SiteSource, SiteTls};
pub use stream::{FaultSlot, TlsStream};
