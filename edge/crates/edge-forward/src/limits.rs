//! The snapshot's limits as limits of HTTP heads and bodies.

use edge_contract::Limits;
use edge_http::{BodyKind, HeadLimits};

/// The limits of the head of a request.
#[must_use]
pub fn of_request(limits: &Limits) -> HeadLimits {
    let line_bytes = size(limits.header_line_bytes);
    HeadLimits {
        bytes: size(limits.header_bytes),
        target_bytes: line_bytes,
        line_bytes,
        fields: size(limits.header_fields),
    }
}

/// The limits of the head of a response. Servers are trusted more than clients: lines are only limited by
/// the head, and a low limit on fields does not apply.
#[must_use]
pub fn of_response(limits: &Limits) -> HeadLimits {
    let standard = HeadLimits::with_bytes(size(limits.header_bytes));
    HeadLimits {
        fields: standard.fields.max(size(limits.header_fields)),
        ..standard
    }
}

/// Whether the Content-Length of a body exceeds a limit.
#[must_use]
pub fn is_too_long(body: BodyKind, limit: u64) -> bool {
    matches!(body, BodyKind::Length(bytes) if bytes > limit)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
