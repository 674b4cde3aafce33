//! The documents of the contract; the same as in `core/contract/snapshot.py`.

mod part;
mod pool;
mod root;
mod secrets;
mod site;
mod timeouts;
mod tls_policy;

pub use part::Part;
pub use pool::{Pool, Server};
pub use root::{CONTRACT, Limits, Listener, Role, Root};
pub use secrets::{Certificate, PrivateKey, TicketKey};
pub use site::{Hsts, Site};
pub use timeouts::Timeouts;
pub use tls_policy::TlsPolicy;
