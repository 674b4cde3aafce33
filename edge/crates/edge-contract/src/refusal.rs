//! What kind of fault a refused request has.

use crate::generated_values::RequestRefusal;

impl RequestRefusal {
    /// Whether the request is malformed: nobody may act on it, and its sender breaks the
    /// protocol (RFC 9112 §2.2, RFC 9113 §8.1.1).
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        self.status() == 400
    }
}
