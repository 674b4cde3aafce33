//! The snapshot's limits in the form that HTTP asks for them.

use edge_contract::Limits;
use edge_http::{BodyKind, HeadLimits};

/// Bounds on the head of a request.
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

/// Bounds on the head of a response: its server is the operator's, so that its lines may be long,
/// and a low limit for what clients send takes none of its fields away.
#[must_use]
pub fn of_response(limits: &Limits) -> HeadLimits {
    let standard = HeadLimits::with_bytes(size(limits.header_bytes));
    HeadLimits {
        fields: standard.fields.max(size(limits.header_fields)),
        ..standard
    }
}

/// Whether a body is known to be too long before it has come.
#[must_use]
pub fn is_too_long(body: BodyKind, most: u64) -> bool {
    matches!(body, BodyKind::Length(bytes) if bytes > most)
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
