//! A site's own timeouts, which replace those of the limits.

use crate::generated_documents::{Limits, Timeouts};

impl Timeouts {
    /// The limits with their timeouts replaced by these.
    #[must_use]
    pub fn over(self, limits: &Limits) -> Limits {
        Limits {
            handshake_timeout_ms: self.handshake_ms,
            header_timeout_ms: self.header_ms,
            body_timeout_ms: self.body_ms,
            idle_timeout_ms: self.idle_ms,
            request_timeout_ms: self.request_ms,
            tunnel_timeout_ms: self.tunnel_ms,
            ..*limits
        }
    }
}
