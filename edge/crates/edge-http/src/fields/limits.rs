//! Bounds on what is read of a head, of any version.

use edge_contract::bounds::RESPONSE_FIELDS;

/// Bounds on one head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the whole head, its empty line included.
    pub bytes: usize,
    /// Bytes of a request's target.
    pub target_bytes: usize,
    /// Bytes of one field line.
    pub line_bytes: usize,
    /// Number of field lines.
    pub fields: usize,
}

impl HeadLimits {
    /// Limits for a head of that many bytes, with room for every sane target and field count.
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
