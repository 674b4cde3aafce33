//! The snapshot's limits in the form that HTTP asks for them.

use edge_http::{BodyKind, HeadLimits};
use edge_snapshot::Limits;

/// Bounds on the head of a request.
pub(crate) fn of_request(limits: &Limits) -> HeadLimits {
    let line_bytes = size(limits.header_line_bytes);
    HeadLimits {
        bytes: size(limits.header_bytes),
        target_bytes: line_bytes,
        line_bytes,
        fields: size(limits.header_fields),
    }
}

/// Bounds on the head of a response: its server is the operator's, so its lines may be long.
pub(crate) fn of_response(limits: &Limits) -> HeadLimits {
    HeadLimits::with_bytes(size(limits.header_bytes))
}

/// Whether a body is known to be too long before it has come.
pub(crate) fn is_too_long(body: BodyKind, most: u64) -> bool {
    matches!(body, BodyKind::Length(bytes) if bytes > most)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
