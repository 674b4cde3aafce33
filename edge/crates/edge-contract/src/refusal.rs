//! Which refused requests are malformed.

use crate::generated_values::RequestRefusal;

impl RequestRefusal {
    /// Whether the request is malformed (RFC 9112 §2.2, RFC 9113 §8.1.1), so that the connection or stream is
    /// not used any further.
    #[must_use]
    pub const fn is_malformed(self) -> bool {
        self.status() == 400
    }
}
