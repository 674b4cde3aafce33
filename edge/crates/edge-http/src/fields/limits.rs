//! Limits on heads, for every version of HTTP.

use edge_contract::bounds::RESPONSE_FIELDS;

/// The limits on one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// The most bytes of the head, including its empty line.
    pub bytes: usize,
    /// The most bytes of a request's target.
    pub target_bytes: usize,
    /// The most bytes of one field line.
    pub line_bytes: usize,
    /// The most field lines.
    pub fields: usize,
}

impl HeadLimits {
    /// The limits for a head of so many bytes: targets of 16 KiB, lines of any length.
    #[must_use]
    pub fn with_bytes(bytes: usize) -> Self {
        Self {
            bytes,
            target_bytes: bytes.min(16 * 1024),
            line_bytes: bytes,
            fields: RESPONSE_FIELDS,
        }
    }
}
